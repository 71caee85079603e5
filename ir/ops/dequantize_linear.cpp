// y = (x - zero_point) * scale, in the element type of the scale.
#include "ir/gradient/gradient_rules.h"
#include "ir/quantization/quantized_scale.h"
#include "ir/rules/op_rules.h"
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
      .tied_dims = scale_ties,
  };
}

}  // namespace edgeopt
