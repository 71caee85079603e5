// y = round(conv(x - x_zero, w - w_zero, b) * x_scale * w_scale / y_scale) + y_zero, saturated
#include <fmt/format.h>

#include "ir/rules/call_inputs.h"
#include "ir/rules/convolve.h"
#include "ir/rules/integer_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  return {operand(required_input(call, 7).type.dtype,
                  convolved_shape(call.attributes(), required_input(call, 0), required_input(call, 3)))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = required_input(call, 0);
  const Tensor& w = required_input(call, 3);
  const Convolution convolution = convolution_of(call.attributes(), x.dims(), w.dims());
  const std::vector<double> bias = call.has_input(8) ? to_doubles(call.inputs[8]) : std::vector<double>();
  const std::vector<double> sums = convolve(convolution, less_zero_point(x, required_input(call, 2), 0),
                                            less_zero_point(w, required_input(call, 5), 0), bias);
  const double x_scale = to_double(required_input(call, 1));
  const double y_scale = to_double(required_input(call, 6));
  const std::vector<double> w_scales = to_doubles(required_input(call, 4));
  if (w_scales.size() != 1 && std::ssize(w_scales) != convolution.output_channels)
    throw UserError(fmt::format("{} weight scales are given for {} output channels", w_scales.size(),
                                convolution.output_channels));
  const std::size_t plane = static_cast<std::size_t>(element_count(output_dims(convolution.window)));
  std::vector<double> scaled(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::size_t channel = i / plane % static_cast<std::size_t>(convolution.output_channels);
    scaled[i] = sums[i] * (x_scale * w_scales[w_scales.size() == 1 ? 0 : channel] / y_scale);
  }
  return {quantized(scaled, convolution.output_shape(), required_input(call, 7))};
}

Cost count_cost(const InferCall& call, std::span<const Operand> outputs) {
  return convolution_cost(call.inputs[3], outputs[0]);
}

}  // namespace

OpDefinition q_linear_conv_op() {
  return {
      .name = "QLinearConv",
      .versions = {10},
      .required_inputs = 8,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
  };
}

}  // namespace edgeopt
