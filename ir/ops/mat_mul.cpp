// numpy.matmul: leading dims are broadcast, 1-D operands are a row (left) or a column (right)
#include <algorithm>
#include <numeric>
#include <utility>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/multiply_matrices.h"
#include "ir/tied_dims.h"

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

ValueId transposed(const GradientCall& call, ValueId matrices) {
  const std::size_t rank = rank_of(call, matrices);
  std::vector<std::int64_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[rank - 1], order[rank - 2]);
  return emit(call, "Transpose", {matrices}, {{"perm", order}});
}

// All leading axes as one, [.., m, k] -> [m', k]; `like` has the same last dim.
ValueId as_rows(const GradientCall& call, ValueId value, ValueId like) {
  const Dim& last = call.graph.type_of(like).shape->back();
  if (last.is_number() && last.size > 0)
    return emit(call, "Reshape", {value, int_list(call, {-1, last.size})});
  const ValueId dim = emit(call, "Gather", {emit(call, "Shape", {like}), int_list(call, {-1})});
  return emit(call, "Reshape", {value, emit(call, "Concat", {int_list(call, {-1}), dim}, {{"axis", 0}})});
}

// Summed over the batch axes along which the input was broadcast.
ValueId sum_batches(const GradientCall& call, ValueId gradient, std::size_t input) {
  const std::optional<Shape>& from = call.graph.type_of(call.node.outputs[0]).shape;
  const std::optional<Shape>& to = call.graph.type_of(call.node.inputs[input]).shape;
  if (from && from->size() == to->size() &&
      std::equal(from->begin(), from->end() - 2, to->begin(), is_surely_equal))
    return gradient;
  return emit_training(call, "SumTo", {gradient, call.node.inputs[input]});
}

// y = A * b: each element of A meets one of b.
ValueId vector_gradient(const GradientCall& call, std::size_t input) {
  const ValueId column = emit(call, "Unsqueeze", {call.output_gradients[0], int_list(call, {-1})});
  const ValueId product = emit(call, "Mul", {column, call.node.inputs[1 - input]});
  return input == 0 ? product : emit_training(call, "SumTo", {product, call.node.inputs[1]});
}

// y = a * B with a row a.
ValueId row_gradient(const GradientCall& call, std::size_t input) {
  const ValueId a = call.node.inputs[0], b = call.node.inputs[1];
  const ValueId row = emit(call, "Unsqueeze", {call.output_gradients[0], int_list(call, {-2})});
  if (input == 1) return emit(call, "MatMul", {emit(call, "Unsqueeze", {a, int_list(call, {1})}), row});
  return emit_training(call, "SumTo", {emit(call, "MatMul", {row, transposed(call, b)}), a});
}

// dA = dY * B^T, dB = A^T * dY; the latter as one product where B has no batches.
std::vector<ValueId> gradient(const GradientCall& call) {
  const ValueId a = call.node.inputs[0], b = call.node.inputs[1], dy = call.output_gradients[0];
  const std::size_t a_rank = rank_of(call, a), b_rank = rank_of(call, b);
  return for_wanted(call, [&](std::size_t input) {
    if (b_rank == 1) return vector_gradient(call, input);
    if (a_rank == 1) return row_gradient(call, input);
    if (input == 0) return sum_batches(call, emit(call, "MatMul", {dy, transposed(call, b)}), 0);
    if (b_rank == 2 && a_rank > 2)
      return emit(call, "Gemm", {as_rows(call, a, a), as_rows(call, dy, call.node.outputs[0])},
                  {{"transA", 1}});
    return sum_batches(call, emit(call, "MatMul", {transposed(call, a), dy}), 1);
  });
}

// What is summed over goes with what it is multiplied by; rows, columns and the leading dims pass through.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape() || !call.inputs[1].has_shape()) return {};
  const Shape& a = call.inputs[0].shape();
  const Shape& b = call.inputs[1].shape();
  const std::size_t rank = std::max(a.size(), b.size());
  if (a.empty() || b.empty()) return {};
  std::vector<TiedDims> ties = {
      {{input_dim(0, a.size() - 1), input_dim(1, b.size() > 1 ? b.size() - 2 : 0)}}};
  if (a.size() < 2 || b.size() < 2) return ties;
  ties.push_back({{input_dim(0, a.size() - 2), output_dim(0, rank - 2)}});
  ties.push_back({{input_dim(1, b.size() - 1), output_dim(0, rank - 1)}});
  for (std::size_t from_last = 3; from_last <= rank; ++from_last) {
    TiedDims tie{{output_dim(0, rank - from_last)}};
    for (const std::size_t i : {0, 1}) {
      const Shape& shape = call.inputs[i].shape();
      if (shape.size() < from_last || shape[shape.size() - from_last] == Dim(1)) continue;
      tie.dims.push_back(input_dim(i, shape.size() - from_last));
    }
    ties.push_back(std::move(tie));
  }
  return ties;
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
      .gradient = gradient,
      .tied_dims = tied_dims,
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
