// ConvInputGradient(dy, w, x) = dx and ConvWeightGradient(dy, x, w) = dw, with the attributes of Conv. The
// last input gives the result its dims and type; its elements do not matter.
#include <utility>

#include "ir/gradient/convolve_gradient.h"
#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer_like_last(const InferCall& call, std::size_t weight) {
  require_dims_of_result(call.inputs[0],
                         convolved_shape(call.attributes(), call.inputs[3 - weight], call.inputs[weight]));
  return {operand(call.inputs[2].type.dtype, call.inputs[2].type.shape)};
}

Convolution convolution_behind(const EvaluateCall& call, const Tensor& x, const Tensor& w) {
  Convolution convolution = convolution_of(call.attributes(), x.dims(), w.dims());
  require_dims_of_result(call.inputs[0], convolution.output_shape());
  return convolution;
}

Tensors input_gradient(const EvaluateCall& call) {
  const Tensor& w = call.inputs[1];
  const Tensor& x = call.inputs[2];
  const Convolution convolution = convolution_behind(call, x, w);
  return {from_doubles(x.dtype(), x.dims(),
                       convolution_input_gradient(convolution, to_doubles(call.inputs[0]), to_doubles(w)))};
}

Tensors weight_gradient(const EvaluateCall& call) {
  const Tensor& x = call.inputs[1];
  const Tensor& w = call.inputs[2];
  const Convolution convolution = convolution_behind(call, x, w);
  return {from_doubles(w.dtype(), w.dims(),
                       convolution_weight_gradient(convolution, to_doubles(call.inputs[0]), to_doubles(x)))};
}

OpDefinition convolution_gradient(std::string name, std::size_t weight, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .domain = "edgeopt",
      .required_inputs = 3,
      .infer = [weight](const InferCall& call) { return infer_like_last(call, weight); },
      .evaluate = std::move(evaluate),
      .count_cost =
          [weight](const InferCall& call, std::span<const Operand>) {
            return convolution_cost(call.inputs[weight], call.inputs[0]);
          },
  };
}

}  // namespace

std::vector<OpDefinition> convolution_gradient_table() {
  return {
      convolution_gradient("ConvInputGradient", 1, input_gradient),
      convolution_gradient("ConvWeightGradient", 2, weight_gradient),
  };
}

}  // namespace edgeopt
