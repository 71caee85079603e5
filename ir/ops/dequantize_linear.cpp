// y = (x - zero_point) * scale, in the element type of the scale.
#include "ir/gradient_rules.h"
#include "ir/op_rules.h"
#include "ir/quantized_scale.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

DataType output_type(const Attributes& attributes, DataType scale) {
  const auto asked = static_cast<DataType>(attributes.get_int("output_dtype", 0));
  return asked == DataType::undefined ? scale : asked;
}

Tensors evaluate(const EvaluateCall& call) {
  const Attributes& attributes = call.attributes();
  const Dims& dims = call.inputs[0].dims();
  const std::vector<std::int64_t> scales = scale_indexes(
      dims, call.inputs[1].dims(),
      {.axis = attributes.get_int("axis", 1), .block_size = attributes.get_int("block_size", 0)});
  const std::vector<double> scale = to_doubles(call.inputs[1]);
  std::vector<double> zero_points(scale.size(), 0);
  if (call.has_input(2)) zero_points = zero_points_like(call.inputs[1], call.inputs[2]);
  std::vector<double> elements = to_doubles(call.inputs[0]);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto index = static_cast<std::size_t>(scales[i]);
    elements[i] = (elements[i] - zero_points[index]) * scale[index];
  }
  return {from_doubles(output_type(attributes, call.inputs[1].dtype()), dims, elements)};
}

std::vector<Operand> infer(const InferCall& call) {
  return {operand(output_type(call.attributes(), call.inputs[1].type.dtype), call.inputs[0].type.shape)};
}

// (dx, dscale), both in the scale's type: the integers carry a gradient for the QuantizeLinear before them.
std::vector<ValueId> gradient(const GradientCall& call) {
  std::vector<ValueId> inputs = call.node.inputs;
  inputs.insert(inputs.begin(), call.output_gradients[0]);
  return emit_training(
      call, {.op_type = "DequantizeLinearGradient", .inputs = inputs, .attributes = call.attributes()},
      {call.wants(0), call.wants(1)});
}

// Scales and zero points have an element for each index of the axis, or one for all.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape() || call.attributes().get_int("block_size", 0) != 0) return {};
  std::vector<TiedDims> ties = passing_ties(call, [](std::size_t) { return true; });
  const std::size_t rank = call.inputs[0].shape().size();
  if (rank == 0) return ties;
  const std::int64_t axis = call.attributes().get_int("axis", 1);
  const auto along = static_cast<std::size_t>(rank == 1 ? 0 : normalize_axis(axis, rank));
  for (const std::size_t parameter : {1, 2}) {
    if (!call.has_input(parameter)) continue;
    if (!call.inputs[parameter].has_shape()) return {};
    const Shape& shape = call.inputs[parameter].shape();
    if (shape.size() == 1 && shape[0] != Dim(1)) ties[along].dims.push_back(input_dim(parameter, 0));
  }
  return ties;
}

}  // namespace

OpDefinition dequantize_linear_op() {
  return {
      .name = "DequantizeLinear",
      .versions = {10, 13, 19, 21, 23, 24, 25},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(2),
      .gradient = gradient,
      .tied_dims = tied_dims,
  };
}

}  // namespace edgeopt
