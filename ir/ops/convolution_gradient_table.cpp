// ConvInputGradient(dy, w, x) = dx and ConvWeightGradient(dy, x, w) = dw, with the attributes of Conv. The
// last input gives the result its dims and type; its elements do not matter.
#include <fmt/format.h>

#include <utility>

#include "ir/gradient/convolve_gradient.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer_like_last(const InferCall& call) {
  return {operand(call.inputs[2].type.dtype, call.inputs[2].type.shape)};
}

Convolution convolution_behind(const EvaluateCall& call, const Tensor& x, const Tensor& w) {
  Convolution convolution = convolution_of(call.attributes(), x.dims(), w.dims());
  if (call.inputs[0].dims() != convolution.output_shape())
    throw UserError(fmt::format("the gradient has shape {}, but the convolution's result {}",
                                to_string(call.inputs[0].dims()), to_string(convolution.output_shape())));
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
      .infer = infer_like_last,
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
