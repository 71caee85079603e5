// y = x * w + b, the windows of ir/window_rules.h over [N,C,...] with weights [M,C/group,...]
#include "ir/convolve.h"

#include "ir/call_inputs.h"
#include "ir/gradient_rules.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  const Operand& input = required_input(call, 0);
  return {operand(input.type.dtype, convolved_shape(call.attributes(), input, required_input(call, 1)))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = required_input(call, 0);
  const Tensor& w = required_input(call, 1);
  const std::vector<double> bias = call.has_input(2) ? to_doubles(call.inputs[2]) : std::vector<double>();
  const Convolution convolution = convolution_of(call.attributes(), x.dims(), w.dims());
  return {from_doubles(x.dtype(), convolution.output_shape(),
                       convolve(convolution, to_doubles(x), to_doubles(w), bias))};
}

Cost count_cost(const InferCall& call, std::span<const Operand> outputs) {
  return convolution_cost(call.inputs[1], outputs[0]);
}

ValueId gradient_of(const GradientCall& call, std::size_t input) {
  const ValueId x = call.node.inputs[0], w = call.node.inputs[1], dy = call.output_gradients[0];
  if (input == 0) return emit_training(call, "ConvInputGradient", {dy, w, x}, call.attributes());
  if (input == 1) return emit_training(call, "ConvWeightGradient", {dy, x, w}, call.attributes());
  return sum_channels(call, dy, rank_of(call, call.node.outputs[0]));
}

std::vector<ValueId> gradient(const GradientCall& call) {
  return for_wanted(call, [&](std::size_t input) { return gradient_of(call, input); });
}

}  // namespace

OpDefinition conv_op() {
  return {
      .name = "Conv",
      .versions = {1, 11, 22},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
      .gradient = gradient,
      .quantization = {.role = QuantizationRole::computes,
                       .quantized_inputs = {0, 1},
                       .weight_input = 1,
                       .bias_input = 2,
                       .weight_channel_axis = [](const Node&, std::size_t) { return 0; }},
  };
}

}  // namespace edgeopt
