// numpy.matmul: leading dims are broadcast, 1-D operands are a row (left) or a column (right)
#include "ir/call_inputs.h"
#include "ir/multiply_matrices.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  const Operand& a = required_input(call, 0);
  return {operand(a.type.dtype, multiplied_shape(a, required_input(call, 1)))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& a = required_input(call, 0);
  const Tensor& b = required_input(call, 1);
  const MatrixProduct product = matrix_product_of(a.dims(), b.dims());
  return {from_doubles(a.dtype(), product.output, multiply(product, to_doubles(a), to_doubles(b)))};
}

Cost count_cost(const InferCall& call, std::span<const Operand> outputs) {
  return matrix_product_cost(call.inputs[0], outputs[0]);
}

}  // namespace

OpDefinition mat_mul_op() {
  return {
      .name = "MatMul",
      .versions = {1, 9, 13},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
      .quantization = {.role = QuantizationRole::computes,
                       .quantized_inputs = {0, 1},
                       .weight_input = 1,
                       .weight_channel_axis =
                           [](const Node&, std::size_t rank) {
                             return rank > 1 ? static_cast<int>(rank) - 1 : -1;
                           }},
  };
}

}  // namespace edgeopt
