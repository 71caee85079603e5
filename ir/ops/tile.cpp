// The tensor repeated along its axes (numpy.tile); opset 1 repeats along a single axis.
#include <fmt/format.h>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/saturated_counts.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// More than any device holds.
constexpr std::int64_t most_repeats = std::int64_t{1} << 31;

template <typename Call>
std::optional<std::vector<std::int64_t>> repeats_of(const Call& call, std::size_t rank) {
  const auto repeats = parameter_ints(call, 1, "");
  if (!repeats) return std::nullopt;
  for (const std::int64_t repeat : *repeats)
    if (repeat < 0 || repeat > most_repeats)
      throw UserError(
          fmt::format("an axis is repeated {} times, but must be 0 to {} times", repeat, most_repeats));
  if (call.opset >= 6) {
    if (repeats->size() != rank)
      throw UserError(fmt::format("{} repeats are given for {} axes", repeats->size(), rank));
    return repeats;
  }
  const auto axis = parameter_ints(call, 2, "");
  if (!axis || axis->size() != 1 || repeats->size() != 1) return std::nullopt;
  std::vector<std::int64_t> along(rank, 1);
  along[static_cast<std::size_t>(normalize_axis(axis->front(), rank))] = repeats->front();
  return along;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  if (!data.has_shape()) return {of_unknown_shape(data)};
  const auto repeats = repeats_of(call, data.shape().size());
  if (!repeats) return {of_unknown_dims(data.type.dtype, data.shape().size())};
  Shape shape = data.shape();
  for (std::size_t i = 0; i < shape.size(); ++i)
    if ((*repeats)[i] != 1)
      shape[i] = shape[i].is_number() ? Dim(saturated_product(shape[i].size, (*repeats)[i])) : Dim();
  return {operand(data.type.dtype, std::move(shape))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const auto repeats = repeats_of(call, data.rank());
  if (!repeats) throw UserError("Tile needs repeats");
  std::vector<std::vector<std::int64_t>> indices(data.rank());
  for (std::size_t i = 0; i < indices.size(); ++i)
    for (std::int64_t p = 0; p < data.dims()[i] * (*repeats)[i]; ++p)
      indices[i].push_back(p % data.dims()[i]);
  return {select_indices(data, indices)};
}

// An axis that keeps its size is left alone by the operator.
std::vector<TiedDims> tied_dims(const InferCall& call) { return equal_size_ties(call, infer); }

}  // namespace

OpDefinition tile_op() {
  return {
      .name = "Tile",
      .versions = {1, 6, 13},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = move_gradient(),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::moves,
  };
}

}  // namespace edgeopt
