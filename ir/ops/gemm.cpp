// y = alpha * A' B' + beta * C, where A' and B' may be transposed and C is broadcast
#include <fmt/format.h>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/rules/multiply_matrices.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

bool is_transposed(const Attributes& attributes, std::string_view name) {
  return attributes.get_int(name, 0) != 0;
}

Operand oriented(const Operand& matrix, bool transposed) {
  if (!matrix.has_shape()) return of_unknown_dims(matrix.type.dtype, 2);
  if (matrix.shape().size() != 2)
    throw UserError(fmt::format("an operand has shape {}, but must be a matrix", to_string(matrix.shape())));
  Shape shape = matrix.shape();
  if (transposed) std::swap(shape[0], shape[1]);
  return operand(matrix.type.dtype, std::move(shape));
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand a = oriented(required_input(call, 0), is_transposed(call.attributes(), "transA"));
  const Operand b = oriented(required_input(call, 1), is_transposed(call.attributes(), "transB"));
  return {operand(a.type.dtype, multiplied_shape(a, b))};
}

Tensor oriented(const Tensor& matrix, bool transposed) {
  if (matrix.rank() != 2)
    throw UserError(fmt::format("an operand has shape {}, but must be a matrix", to_string(matrix.dims())));
  return transposed ? transpose(matrix, Dims{1, 0}) : matrix;
}

// C as a matrix of the output's dims.
std::vector<double> broadcast_to(const Tensor& c, const Dims& dims) {
  if (c.rank() > 2 || broadcast_dims(c.dims(), dims) != dims)
    throw UserError(
        fmt::format("C of shape {} cannot be broadcast to {}", to_string(c.dims()), to_string(dims)));
  Dims aligned(2 - c.rank(), 1);
  aligned.insert(aligned.end(), c.dims().begin(), c.dims().end());
  auto indices = all_indices(dims);
  for (std::size_t i = 0; i < 2; ++i)
    if (aligned[i] == 1) indices[i].assign(indices[i].size(), 0);
  return to_doubles(select_indices(c.reshaped(aligned), indices));
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor a = oriented(required_input(call, 0), is_transposed(call.attributes(), "transA"));
  const Tensor b = oriented(required_input(call, 1), is_transposed(call.attributes(), "transB"));
  const double alpha = call.attributes().get_float("alpha", 1);
  const double beta = call.attributes().get_float("beta", 1);
  const MatrixProduct product = matrix_product_of(a.dims(), b.dims());
  std::vector<double> y = multiply(product, to_doubles(a), to_doubles(b));
  for (double& element : y) element *= alpha;
  if (call.has_input(2)) {
    const std::vector<double> c = broadcast_to(call.inputs[2], product.output);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += beta * c[i];
  }
  return {from_doubles(a.dtype(), product.output, y)};
}

Cost count_cost(const InferCall& call, std::span<const Operand> outputs) {
  return matrix_product_cost(oriented(call.inputs[0], is_transposed(call.attributes(), "transA")),
                             outputs[0]);
}

// With A' = op(A), B' = op(B): dA' = alpha * dY * B'^T, dB' = alpha * A'^T * dY, dC = beta * dY.
std::vector<ValueId> gradient(const GradientCall& call) {
  const ValueId a = call.node.inputs[0], b = call.node.inputs[1], dy = call.output_gradients[0];
  const bool trans_a = is_transposed(call.attributes(), "transA");
  const bool trans_b = is_transposed(call.attributes(), "transB");
  const float alpha = call.attributes().get_float("alpha", 1);
  const float beta = call.attributes().get_float("beta", 1);
  const auto product = [&](std::vector<ValueId> factors, bool first, bool second) {
    return emit(call, "Gemm", std::move(factors),
                {{"alpha", alpha}, {"transA", first ? 1 : 0}, {"transB", second ? 1 : 0}});
  };
  return for_wanted(call, [&](std::size_t i) {
    if (i == 0) return trans_a ? product({b, dy}, trans_b, true) : product({dy, b}, false, !trans_b);
    if (i == 1) return trans_b ? product({dy, a}, true, trans_a) : product({a, dy}, !trans_a, false);
    const ValueId scaled = beta == 1 ? dy : emit(call, "Mul", {dy, number(call, beta)});
    return sum_to_input(call, scaled, 2);
  });
}

std::vector<TiedDims> tied_dims(const InferCall& call) {
  const std::size_t a = is_transposed(call.attributes(), "transA") ? 1 : 0;
  const std::size_t b = is_transposed(call.attributes(), "transB") ? 1 : 0;
  TiedDims rows{{output_dim(0, 0), input_dim(0, a)}};
  TiedDims columns{{output_dim(0, 1), input_dim(1, 1 - b)}};
  if (call.has_input(2)) {
    if (!call.inputs[2].has_shape()) return {};
    const Shape& c = call.inputs[2].shape();
    if (!c.empty() && c.back() != Dim(1)) columns.dims.push_back(input_dim(2, c.size() - 1));
    if (c.size() == 2 && c[0] != Dim(1)) rows.dims.push_back(input_dim(2, 0));
  }
  return {rows, columns, {{input_dim(0, 1 - a), input_dim(1, b)}}};
}

}  // namespace

OpDefinition gemm_op() {
  return {
      .name = "Gemm",
      .versions = {1, 6, 7, 9, 11, 13},
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
                       .weight_channel_axis =
                           [](const Node& node, std::size_t) {
                             return is_transposed(node.attributes, "transB") ? 0 : 1;
                           }},
  };
}

}  // namespace edgeopt
