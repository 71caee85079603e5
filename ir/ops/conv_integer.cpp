// Conv of integers less their zero points, into int32
#include "ir/rules/call_inputs.h"
#include "ir/rules/convolve.h"
#include "ir/rules/integer_rules.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  return {operand(DataType::int32,
                  convolved_shape(call.attributes(), required_input(call, 0), required_input(call, 1)))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = required_input(call, 0);
  const Tensor& w = required_input(call, 1);
  const Convolution convolution = convolution_of(call.attributes(), x.dims(), w.dims());
  return {from_doubles(DataType::int32, convolution.output_shape(),
                       convolve(convolution, less_zero_point(x, optional_input(call, 2), 0),
                                less_zero_point(w, optional_input(call, 3), 0), {}))};
}

Cost count_cost(const InferCall& call, std::span<const Operand> outputs) {
  return convolution_cost(call.inputs[1], outputs[0]);
}

}  // namespace

OpDefinition conv_integer_op() {
  return {
      .name = "ConvInteger",
      .versions = {10},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
  };
}

}  // namespace edgeopt
