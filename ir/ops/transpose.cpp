// Axis i of the result is axis perm[i] of the input; all axes reversed if perm is left out.
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<std::int64_t> permutation_of(const Attributes& attributes, std::size_t rank) {
  std::vector<std::int64_t> reversed;
  for (std::size_t i = rank; i-- > 0;) reversed.push_back(static_cast<std::int64_t>(i));
  if (!attributes.find("perm")) return reversed;
  const std::vector<std::int64_t> permutation = axes_from_front(attributes.get_ints("perm"), rank);
  if (!std::ranges::is_permutation(permutation, reversed))
    throw UserError(fmt::format("perm {} is no order of {} axes", to_string(std::span(permutation)), rank));
  return permutation;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  if (!data.has_shape()) return {of_unknown_shape(data)};
  Shape shape;
  for (const std::int64_t axis : permutation_of(call.attributes(), data.shape().size()))
    shape.push_back(data.shape()[static_cast<std::size_t>(axis)]);
  return {moved(data, std::move(shape))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  return {transpose(data, permutation_of(call.attributes(), data.rank()))};
}

// The inverse permutation.
ValueId gradient(const GradientCall& call, ValueId dy) {
  if (!call.attributes().find("perm")) return emit(call, "Transpose", {dy});
  const std::size_t rank = call.attributes().get_ints("perm").size();
  const std::vector<std::int64_t> permutation = permutation_of(call.attributes(), rank);
  std::vector<std::int64_t> inverse(rank);
  for (std::size_t i = 0; i < rank; ++i)
    inverse[static_cast<std::size_t>(permutation[i])] = static_cast<std::int64_t>(i);
  return emit(call, "Transpose", {dy}, {{"perm", inverse}});
}

std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  std::vector<TiedDims> ties;
  for (const std::int64_t axis : permutation_of(call.attributes(), call.inputs[0].shape().size()))
    ties.push_back({{output_dim(0, ties.size()), input_dim(0, static_cast<std::size_t>(axis))}});
  return ties;
}

}  // namespace

OpDefinition transpose_op() {
  return {
      .name = "Transpose",
      .versions = {1, 13, 21, 23, 24, 25},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = first_input_gradient(gradient),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::moves,
  };
}

}  // namespace edgeopt
