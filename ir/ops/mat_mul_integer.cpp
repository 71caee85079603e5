// MatMul of integers less their zero points (one each, or one per row of A and column of B), into int32
#include "ir/rules/call_inputs.h"
#include "ir/rules/integer_rules.h"
#include "ir/rules/multiply_matrices.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  return {operand(DataType::int32, multiplied_shape(required_input(call, 0), required_input(call, 1)))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& a = required_input(call, 0);
  const Tensor& b = required_input(call, 1);
  const MatrixProduct product = matrix_product_of(a.dims(), b.dims());
  return {from_doubles(DataType::int32, product.output,
                       multiply(product, less_zero_point(a, optional_input(call, 2), a.rank() > 1 ? -2 : -1),
                                less_zero_point(b, optional_input(call, 3), -1)))};
}

Cost count_cost(const InferCall& call, std::span<const Operand> outputs) {
  return matrix_product_cost(call.inputs[0], outputs[0]);
}

}  // namespace

OpDefinition mat_mul_integer_op() {
  return {
      .name = "MatMulInteger",
      .versions = {10},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
  };
}

}  // namespace edgeopt
