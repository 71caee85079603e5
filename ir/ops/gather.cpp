// data.take(indices, axis): the indices' dims take the place of the axis.
#include <fmt/format.h>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<std::int64_t> normalize_indices(std::vector<std::int64_t> indices, std::int64_t dim) {
  for (std::int64_t& index : indices) {
    if (index < -dim || index >= dim)
      throw UserError(fmt::format("index {} is outside an axis of {} elements", index, dim));
    if (index < 0) index += dim;
  }
  return indices;
}

// Dims of data with those at `axis` replaced by those of the indices.
template <typename List>
List replaced_axis(const List& data, const List& indices, std::size_t axis) {
  List result(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(axis));
  result.insert(result.end(), indices.begin(), indices.end());
  result.insert(result.end(), data.begin() + static_cast<std::ptrdiff_t>(axis) + 1, data.end());
  return result;
}

std::optional<Shape> gathered_elements(const Operand& data, const Operand& indices) {
  const std::optional<Shape> elements = known_elements(data);
  const auto wanted = indices.int_elements();
  if (!elements || data.shape().size() != 1 || indices.shape().size() > 1 || !wanted) return std::nullopt;
  Shape gathered;
  for (const std::int64_t index : normalize_indices(*wanted, std::ssize(*elements)))
    gathered.push_back((*elements)[static_cast<std::size_t>(index)]);
  return gathered;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  const Operand& indices = required_input(call, 1);
  if (!data.has_shape() || !indices.has_shape()) return {of_unknown_shape(data)};
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), data.shape().size());
  Operand result =
      operand(data.type.dtype, replaced_axis(data.shape(), indices.shape(), static_cast<std::size_t>(axis)));
  result.elements = gathered_elements(data, indices);
  return {result};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const Tensor& indices = required_input(call, 1);
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.attributes().get_int("axis", 0), data.rank()));
  auto selected = all_indices(data.dims());
  selected[axis] = normalize_indices(to_int64s(indices), data.dims()[axis]);
  return {select_indices(data, selected).reshaped(replaced_axis(data.dims(), indices.dims(), axis))};
}

// What lies along the axis is picked one by one and stays; the other dims pass through.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape() || !call.inputs[1].has_shape()) return {};
  const std::size_t rank = call.inputs[0].shape().size();
  const auto along = static_cast<std::size_t>(normalize_axis(call.attributes().get_int("axis", 0), rank));
  std::vector<TiedDims> ties;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (axis == along) continue;
    const std::size_t moved_to = axis < along ? axis : axis + call.inputs[1].shape().size() - 1;
    ties.push_back({{input_dim(0, axis), output_dim(0, moved_to)}});
  }
  return ties;
}

}  // namespace

OpDefinition gather_op() {
  return {
      .name = "Gather",
      .versions = {1, 11, 13},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .gradient = move_gradient(),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
  };
}

}  // namespace edgeopt
