// Elements added (or, with negative pads, cut) at both ends of axes: a constant, the mirror image, the edge
// or the other end.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// More elements than any device holds; keeps sums of pads and dims far from overflow.
constexpr std::int64_t largest_pad = std::int64_t{1} << 31;

struct AxisPads {
  std::int64_t begin = 0, end = 0;
};

// Opset 1 calls them "paddings".
template <typename Call>
std::optional<std::vector<std::int64_t>> pads_parameter(const Call& call) {
  return parameter_ints(call, 1, call.attributes().find("paddings") ? "paddings" : "pads");
}

// Pads of every axis; nothing if they are not known yet.
template <typename Call>
std::optional<std::vector<AxisPads>> pads_of(const Call& call, std::size_t rank) {
  std::vector<std::int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (call.has_input(3)) {
    const auto given = parameter_ints(call, 3, "");
    if (!given) return std::nullopt;
    axes = axes_from_front(*given, rank);
  }
  const auto pads = pads_parameter(call);
  if (!pads) return std::nullopt;
  if (pads->size() != 2 * axes.size())
    throw UserError(
        fmt::format("{} pads are given, but {} axes need {}", pads->size(), axes.size(), 2 * axes.size()));
  for (const std::int64_t pad : *pads)
    if (pad > largest_pad || pad < -largest_pad)
      throw UserError(fmt::format("a pad is {}, but at most {} elements can be added", pad, largest_pad));
  std::vector<AxisPads> result(rank);
  for (std::size_t i = 0; i < axes.size(); ++i)
    result[static_cast<std::size_t>(axes[i])] = {(*pads)[i], (*pads)[axes.size() + i]};
  return result;
}

// The input index at `position`, which may lie outside [0, dim); -1 for the constant.
std::int64_t source_index(std::int64_t position, std::int64_t dim, const std::string& mode) {
  if (position >= 0 && position < dim) return position;
  if (mode == "constant" || dim == 0) return -1;
  if (mode == "edge") return std::clamp<std::int64_t>(position, 0, dim - 1);
  if (mode == "wrap") return ((position % dim) + dim) % dim;
  if (mode != "reflect")
    throw UserError(fmt::format("mode '{}' is not one of constant, reflect, edge, wrap", mode));
  const std::int64_t period = std::max<std::int64_t>(2 * (dim - 1), 1);
  const std::int64_t phase = ((position % period) + period) % period;
  return std::min(phase, period - phase) % dim;
}

void require_fill(const Operand& fill, DataType dtype) {
  const DataType given = fill.type.dtype;
  if (given != dtype && given != DataType::undefined && dtype != DataType::undefined)
    throw UserError(
        fmt::format("elements of type {} are padded with one of type {}", name_of(dtype), name_of(given)));
  const auto dims = fill.has_shape() ? static_dims(fill.shape()) : std::nullopt;
  if (dims && element_count(*dims) != 1)
    throw UserError(fmt::format("the padding has shape {}, but must be one element", to_string(*dims)));
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  if (call.has_input(2)) require_fill(call.inputs[2], data.type.dtype);
  if (!data.has_shape()) return {of_unknown_shape(data)};
  const auto pads = pads_of(call, data.shape().size());
  if (!pads) return {of_unknown_dims(data.type.dtype, data.shape().size())};
  Shape shape = data.shape();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t added = (*pads)[i].begin + (*pads)[i].end;
    if (added == 0) continue;
    shape[i] = shape[i].is_number() ? Dim(std::max<std::int64_t>(shape[i].size + added, 0)) : Dim();
  }
  return {operand(data.type.dtype, std::move(shape))};
}

Tensor fill_of(const EvaluateCall& call, DataType dtype) {
  if (call.has_input(2)) {
    require_fill(operand(call.inputs[2].dtype(), to_shape(call.inputs[2].dims())), dtype);
    return call.inputs[2];
  }
  const float value = call.attributes().get_float("value", 0);
  return value == 0 ? Tensor() : from_doubles(dtype, {}, {value});
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const auto pads = pads_of(call, data.rank());
  if (!pads) throw UserError("Pad needs pads");
  const std::string mode = call.attributes().get_string("mode", "constant");
  std::vector<std::vector<std::int64_t>> indices(data.rank());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::int64_t dim = data.dims()[i];
    for (std::int64_t p = -(*pads)[i].begin; p < dim + (*pads)[i].end; ++p)
      indices[i].push_back(source_index(p, dim, mode));
  }
  return {select_indices(data, indices, fill_of(call, data.dtype()))};
}

// Along a padded axis the output holds the input's indexes behind those of the pad, which go by themselves.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  const Shape& shape = call.inputs[0].shape();
  const auto pads = pads_of(call, shape.size());
  if (!pads) return {};
  std::vector<TiedDims> ties = passing_ties(
      call, [&](std::size_t axis) { return (*pads)[axis].begin == 0 && (*pads)[axis].end == 0; });
  if (call.attributes().get_string("mode", "constant") != "constant") return ties;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const auto [begin, end] = (*pads)[axis];
    if (begin < 0 || end < 0 || (begin == 0 && end == 0) || !shape[axis].is_number()) continue;
    OperandDim kept = output_dim(0, axis);
    kept.offset = begin;
    ties.push_back({{input_dim(0, axis), kept}});
    ties.push_back({{output_dim(0, axis)}});
  }
  return ties;
}

}  // namespace

OpDefinition pad_op() {
  return {
      .name = "Pad",
      .versions = {1, 2, 11, 13, 18, 19, 21, 23, 24, 25},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = move_gradient(),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
  };
}

}  // namespace edgeopt
