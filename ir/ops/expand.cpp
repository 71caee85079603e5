// Broadcast to a shape; both sides may have the 1s (numpy.broadcast_arrays)
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  const Operand& shape = required_input(call, 1);
  const std::optional<Shape> wanted = known_elements(shape);
  if (wanted && data.has_shape()) return {operand(data.type.dtype, broadcast_shapes(data.shape(), *wanted))};
  const auto length = shape.has_shape() && shape.shape().size() == 1 ? shape.shape()[0] : Dim();
  if (!data.has_shape() || !length.is_number()) return {of_unknown_shape(data)};
  return {
      of_unknown_dims(data.type.dtype, std::max(data.shape().size(), static_cast<std::size_t>(length.size)))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const std::vector<std::int64_t> wanted = to_int64s(required_input(call, 1));
  if (std::ranges::any_of(wanted, [](std::int64_t dim) { return dim < 0; }))
    throw UserError(fmt::format("the wanted shape {} has a negative dim", to_string(std::span(wanted))));
  const Dims dims = broadcast_dims(data.dims(), wanted);
  Dims aligned(dims.size() - data.rank(), 1);
  aligned.insert(aligned.end(), data.dims().begin(), data.dims().end());
  auto indices = all_indices(dims);
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (aligned[i] == 1) std::ranges::fill(indices[i], 0);
  return {select_indices(data.reshaped(aligned), indices)};
}

// An axis that keeps its size is left alone by the operator; a shape that is computed would not follow.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[1].constant) return {};
  return equal_size_ties(call, infer);
}

}  // namespace

OpDefinition expand_op() {
  return {
      .name = "Expand",
      .versions = {8, 13},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .gradient = first_input_gradient(
          [](const GradientCall& call, ValueId dy) { return sum_to_input(call, dy, 0); }),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::moves,
  };
}

}  // namespace edgeopt
