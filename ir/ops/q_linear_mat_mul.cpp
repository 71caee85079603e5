// y = round((a - a_zero) (b - b_zero) * a_scale * b_scale / y_scale) + y_zero, saturated
#include "ir/rules/call_inputs.h"
#include "ir/rules/integer_rules.h"
#include "ir/rules/multiply_matrices.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  return {operand(required_input(call, 7).type.dtype,
                  multiplied_shape(required_input(call, 0), required_input(call, 3)))};
}

// The scale of a row of A or a column of B; one scale serves all.
double scale_at(const std::vector<double>& scales, std::int64_t index) {
  if (scales.empty()) throw UserError("a scale of QLinearMatMul is empty");
  return scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(index) % scales.size()];
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& a = required_input(call, 0);
  const Tensor& b = required_input(call, 3);
  const MatrixProduct product = matrix_product_of(a.dims(), b.dims());
  const std::vector<double> sums =
      multiply(product, less_zero_point(a, required_input(call, 2), a.rank() > 1 ? -2 : -1),
               less_zero_point(b, required_input(call, 5), -1));
  const std::vector<double> a_scales = to_doubles(required_input(call, 1));
  const std::vector<double> b_scales = to_doubles(required_input(call, 4));
  const double y_scale = to_double(required_input(call, 6));
  std::vector<double> scaled(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto position = static_cast<std::int64_t>(i);
    const double scale =
        scale_at(a_scales, position / product.n % product.m) * scale_at(b_scales, position % product.n);
    scaled[i] = sums[i] * (scale / y_scale);
  }
  return {quantized(scaled, product.output, required_input(call, 7))};
}

Cost count_cost(const InferCall& call, std::span<const Operand> outputs) {
  return matrix_product_cost(call.inputs[0], outputs[0]);
}

}  // namespace

OpDefinition q_linear_mat_mul_op() {
  return {
      .name = "QLinearMatMul",
      .versions = {10, 21},
      .required_inputs = 8,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = count_cost,
  };
}

}  // namespace edgeopt
