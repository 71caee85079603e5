// y = x * w + b, the windows of ir/rules/window_rules.h over [N,C,...] with weights [M,C/group,...]
#include "ir/rules/convolve.h"

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/tied_dims.h"

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

// Rows of the weight are output channels, its columns the input channels of one group. Groups can go whole,
// or every group loses the same channels.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[1].has_shape()) return {};
  const std::optional<Dims> weight = static_dims(call.inputs[1].shape());
  const std::int64_t groups = call.attributes().get_int("group", 1);
  if (!weight || weight->size() < 2 || groups < 1) return {};
  TiedDims outputs{{output_dim(0, 1), input_dim(1, 0)}};
  if (call.has_input(2)) outputs.dims.push_back(input_dim(2, 0));
  TiedDims inputs{{input_dim(0, 1), input_dim(1, 1)}};
  if (groups == 1) return {outputs, inputs};
  const std::int64_t rows = (*weight)[0] / groups;
  const std::int64_t columns = (*weight)[1];
  TiedDims whole = outputs;
  whole.count = groups;
  for (OperandDim& dim : whole.dims) dim.step = dim.repeat = rows;
  whole.dims.push_back({.operand = 0, .axis = 1, .step = columns, .repeat = columns});
  if (columns == 1) return {whole, {{input_dim(1, 1)}}};
  whole.choice = outputs.choice = inputs.choice = 2;
  whole.choice = 1;
  outputs.count = rows;
  for (OperandDim& dim : outputs.dims) {
    dim.copies = groups;
    dim.period = rows;
  }
  inputs.count = columns;
  inputs.dims[0].copies = groups;
  inputs.dims[0].period = columns;
  return {whole, outputs, inputs};
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
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::computes,
                       .quantized_inputs = {0, 1},
                       .weight_input = 1,
                       .bias_input = 2,
                       .weight_channel_axis = [](const Node&, std::size_t) { return 0; }},
  };
}

}  // namespace edgeopt
