// data[starts:ends:steps] along some axes; the bounds are attributes before opset 10, then inputs.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// The largest int32 stands for "to the end" in many exported models, the largest int64 in the others.
constexpr std::int64_t to_the_end = std::numeric_limits<std::int32_t>::max();

struct Cut {
  std::int64_t start = 0, end = 0, step = 1;
};

struct Parameters {
  std::vector<std::int64_t> axes;
  std::vector<Cut> cuts;
};

template <typename Call>
bool has_steps(const Call& call) {
  return call.has_input(4);
}

template <typename Call>
bool has_axes(const Call& call) {
  return call.has_input(3) || call.attributes().find("axes");
}

// Nothing if a part of it is not known yet.
template <typename Call>
std::optional<Parameters> parameters_of(const Call& call, std::size_t rank) {
  const auto starts = parameter_ints(call, 1, "starts");
  const auto ends = parameter_ints(call, 2, "ends");
  const auto axes = parameter_ints(call, 3, "axes");
  const auto steps = parameter_ints(call, 4, "");
  if (!starts || !ends || (has_axes(call) && !axes) || (has_steps(call) && !steps)) return std::nullopt;
  const std::size_t count = starts->size();
  if (ends->size() != count || (axes && axes->size() != count) || (steps && steps->size() != count))
    throw UserError(fmt::format("{} starts, but {} ends; starts, ends, axes and steps must be equally many",
                                count, ends->size()));
  Parameters result{.axes = std::vector<std::int64_t>(count)};
  std::iota(result.axes.begin(), result.axes.end(), 0);
  if (axes) result.axes = *axes;
  result.axes = axes_from_front(result.axes, rank);
  for (std::size_t i = 0; i < count; ++i) {
    result.cuts.push_back({(*starts)[i], (*ends)[i], steps ? (*steps)[i] : 1});
    if (result.cuts.back().step == 0) throw UserError("a step of Slice is 0, but must not be");
  }
  return result;
}

std::vector<std::int64_t> indices_of(const Cut& cut, std::int64_t dim) {
  const auto from_front = [dim](std::int64_t position) { return position < 0 ? position + dim : position; };
  const std::int64_t lowest = cut.step > 0 ? 0 : -1;
  const std::int64_t highest = cut.step > 0 ? dim : dim - 1;
  const std::int64_t start =
      std::clamp(from_front(cut.start), std::int64_t{0}, std::max<std::int64_t>(highest, 0));
  const std::int64_t end = std::clamp(from_front(cut.end), lowest, std::max(highest, lowest));
  std::vector<std::int64_t> indices;
  if (cut.step > 0)
    for (std::int64_t i = start; i < end; i += std::min(cut.step, dim)) indices.push_back(i);
  if (cut.step < 0)
    for (std::int64_t i = start; i > end; i += std::max(cut.step, -dim)) indices.push_back(i);
  if (dim == 0) indices.clear();
  return indices;
}

bool takes_all(const Cut& cut) { return cut.start == 0 && cut.step == 1 && cut.end >= to_the_end; }

Dim cut_dim(const Dim& dim, const Cut& cut) {
  if (dim.is_number()) return std::ssize(indices_of(cut, dim.size));
  return takes_all(cut) ? dim : Dim();
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  if (!data.has_shape()) return {of_unknown_shape(data)};
  const std::optional<Parameters> parameters = parameters_of(call, data.shape().size());
  if (!parameters) return {of_unknown_dims(data.type.dtype, data.shape().size())};
  Operand result = operand(data.type.dtype, data.shape());
  for (std::size_t i = 0; i < parameters->axes.size(); ++i) {
    Dim& dim = (*result.type.shape)[static_cast<std::size_t>(parameters->axes[i])];
    dim = cut_dim(dim, parameters->cuts[i]);
  }
  const std::optional<Shape> elements = known_elements(data);
  if (elements && data.shape().size() == 1 && parameters->cuts.size() == 1) {
    result.elements.emplace();
    for (const std::int64_t index : indices_of(parameters->cuts[0], std::ssize(*elements)))
      result.elements->push_back((*elements)[static_cast<std::size_t>(index)]);
  }
  return {result};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const std::optional<Parameters> parameters = parameters_of(call, data.rank());
  if (!parameters) throw UserError("Slice needs starts and ends");
  auto indices = all_indices(data.dims());
  for (std::size_t i = 0; i < parameters->axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(parameters->axes[i]);
    indices[axis] = indices_of(parameters->cuts[i], data.dims()[axis]);
  }
  return {select_indices(data, indices)};
}

// Along a cut axis the indexes inside the cut are tied to the output's, those outside go by themselves; cuts
// with steps stay as they are.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  const Shape& shape = call.inputs[0].shape();
  const std::optional<Parameters> parameters = parameters_of(call, shape.size());
  if (!parameters) return {};
  const auto is_cut = [&](std::size_t axis) {
    return std::ranges::find(parameters->axes, static_cast<std::int64_t>(axis)) != parameters->axes.end();
  };
  std::vector<TiedDims> ties = passing_ties(call, [&](std::size_t axis) { return !is_cut(axis); });
  for (std::size_t i = 0; i < parameters->axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(parameters->axes[i]);
    if (!shape[axis].is_number() || parameters->cuts[i].step != 1) continue;
    const std::vector<std::int64_t> inside = indices_of(parameters->cuts[i], shape[axis].size);
    if (inside.empty()) continue;
    OperandDim cut = input_dim(0, axis);
    cut.offset = inside.front();
    ties.push_back({{output_dim(0, axis), cut}});
    ties.push_back({{input_dim(0, axis)}});
  }
  return ties;
}

}  // namespace

OpDefinition slice_op() {
  return {
      .name = "Slice",
      .versions = {1, 10, 11, 13},
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
