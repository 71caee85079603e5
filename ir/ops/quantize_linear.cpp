// Integers: y = saturate(round(x / scale) + zero_point), ties to even. Floats of 8 bits and less:
// y = cast(x / scale).
#include <algorithm>
#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/quantization/quantized_scale.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

DataType as_type(const Attributes& attributes, const char* name) {
  return static_cast<DataType>(attributes.get_int(name, 0));
}

DataType quantized_type(const Attributes& attributes, std::optional<DataType> zero_point) {
  const DataType asked = as_type(attributes, "output_dtype");
  if (zero_point) return *zero_point;
  return asked == DataType::undefined ? DataType::uint8 : asked;
}

// x / scale in the precision that the node asks for; by default that of the scale.
Tensor quotient(const EvaluateCall& call, const std::vector<std::int64_t>& scales) {
  const DataType asked = as_type(call.attributes(), "precision");
  const DataType precision = asked == DataType::undefined ? call.inputs[1].dtype() : asked;
  const Tensor x = cast(call.inputs[0], DataType::float32);
  const Tensor scale = cast(call.inputs[1], DataType::float32);
  Tensor result(DataType::float32, x.dims());
  const std::span<float> to = result.mutable_data<float>();
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = x.data<float>()[i] / scale.data<float>()[static_cast<std::size_t>(scales[i])];
  return is_narrow_float(precision) ? cast(cast(result, precision), DataType::float32) : result;
}

// NaN has no integer; it becomes the zero point.
double saturated(double x, double zero_point, const IntegerLimits& limits) {
  const double rounded = std::isnan(x) ? 0 : std::nearbyint(x);
  return std::clamp(rounded + zero_point, limits.low, limits.high);
}

Tensors evaluate(const EvaluateCall& call) {
  const Attributes& attributes = call.attributes();
  const Dims& dims = call.inputs[0].dims();
  const bool has_zero_point = call.has_input(2);
  const DataType dtype =
      quantized_type(attributes, has_zero_point ? std::optional(call.inputs[2].dtype()) : std::nullopt);
  const std::vector<std::int64_t> scales = scale_indexes(
      dims, call.inputs[1].dims(),
      {.axis = attributes.get_int("axis", 1), .block_size = attributes.get_int("block_size", 0)});
  const Tensor ratio = quotient(call, scales);
  if (is_floating_point(dtype))
    return {cast(ratio, dtype, {.saturate = attributes.get_int("saturate", 1) != 0})};
  std::vector<double> zero_points(static_cast<std::size_t>(call.inputs[1].element_count()), 0);
  if (has_zero_point) zero_points = zero_points_like(call.inputs[1], call.inputs[2]);
  const IntegerLimits limits = integer_limits(dtype);
  std::vector<double> elements = to_doubles(ratio);
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] = saturated(elements[i], zero_points[static_cast<std::size_t>(scales[i])], limits);
  return {from_doubles(dtype, dims, elements)};
}

std::vector<Operand> infer(const InferCall& call) {
  const auto zero_point = call.has_input(2) ? std::optional(call.inputs[2].type.dtype) : std::nullopt;
  return {operand(quantized_type(call.attributes(), zero_point), call.inputs[0].type.shape)};
}

// (dx, dscale): straight through the rounding, zero where the integer was clamped.
std::vector<ValueId> gradient(const GradientCall& call) {
  std::vector<ValueId> inputs = call.node.inputs;
  inputs.insert(inputs.begin(), call.output_gradients[0]);
  Attributes attributes = call.attributes();
  attributes.set("output_dtype", static_cast<std::int64_t>(dtype_of(call, call.node.outputs[0])));
  return emit_training(call,
                       {.op_type = "QuantizeLinearGradient", .inputs = inputs, .attributes = attributes},
                       {call.wants(0), call.wants(1)});
}

}  // namespace

OpDefinition quantize_linear_op() {
  return {
      .name = "QuantizeLinear",
      .versions = {10, 13, 19, 21, 23, 24, 25},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(3),
      .gradient = gradient,
      .tied_dims = scale_ties,
  };
}

}  // namespace edgeopt
