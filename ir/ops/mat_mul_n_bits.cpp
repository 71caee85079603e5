// com.microsoft.MatMulNBits: y = a * w' with w [N, K] in blocks along K, every block with a scale and a zero
// point. source: ONNX Runtime, docs/ContribOperators.md
#include <fmt/format.h>

#include "ir/quantization/block_weights.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/multiply_matrices.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  const Operand& a = required_input(call, 0);
  if (!a.has_shape() || a.shape().empty()) return {operand(a.type.dtype, std::nullopt)};
  Shape shape = a.shape();
  shape.back() = Dim(block_weight_layout(call.node.attributes).rows);
  return {operand(a.type.dtype, shape)};
}

Tensors evaluate(const EvaluateCall& call) {
  if (call.has_input(4)) throw UserError("MatMulNBits with g_idx is not supported");
  const BlockWeightLayout layout = block_weight_layout(call.attributes());
  const std::optional<Tensor> zero_points = call.has_input(3) ? std::optional(call.inputs[3]) : std::nullopt;
  const std::vector<float> weight = unpacked_blocks(layout, call.inputs[1], call.inputs[2], zero_points);
  // [K, N], as MatMul reads it
  std::vector<double> columns(weight.size());
  for (std::int64_t n = 0; n < layout.rows; ++n)
    for (std::int64_t k = 0; k < layout.columns; ++k)
      columns[static_cast<std::size_t>(k * layout.rows + n)] =
          static_cast<double>(weight[static_cast<std::size_t>(n * layout.columns + k)]);
  const Tensor& a = call.inputs[0];
  const MatrixProduct product = matrix_product_of(a.dims(), {layout.columns, layout.rows});
  std::vector<double> y = multiply(product, to_doubles(a), columns);
  if (call.has_input(5)) {
    const std::vector<double> bias = to_doubles(call.inputs[5]);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += bias[i % bias.size()];
  }
  return {from_doubles(a.dtype(), product.output, y)};
}

}  // namespace

OpDefinition mat_mul_n_bits_op() {
  return {
      .name = "MatMulNBits",
      .domain = "com.microsoft",
      .required_inputs = 3,
      .infer = infer,
      .evaluate = evaluate,
  };
}

}  // namespace edgeopt
