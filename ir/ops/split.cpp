// One tensor cut into parts along an axis; their sizes are an attribute before opset 13, then an input.
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

using Sizes = std::vector<std::int64_t>;

// Equal parts; the last is smaller if the dim does not divide (allowed since opset 18).
Sizes equal_parts(std::int64_t dim, std::int64_t count) {
  const std::int64_t part = (dim + count - 1) / count;
  Sizes sizes;
  for (std::int64_t left = dim; std::ssize(sizes) < count; left -= sizes.back())
    sizes.push_back(std::clamp<std::int64_t>(left, 0, part));
  return sizes;
}

void require_sum(const Sizes& sizes, std::int64_t dim) {
  if (std::ranges::any_of(sizes, [](std::int64_t size) { return size < 0; }))
    throw UserError(fmt::format("a part of {} is negative", to_string(std::span(sizes))));
  if (std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != dim)
    throw UserError(fmt::format("the parts {} do not add up to the {} elements of the axis",
                                to_string(std::span(sizes)), dim));
}

template <typename Call>
std::int64_t part_count(const Call& call) {
  const std::int64_t outputs = std::ssize(call.node.outputs);
  const std::int64_t count = call.attributes().get_int("num_outputs", outputs);
  if (count != outputs || count < 1)
    throw UserError(fmt::format("num_outputs is {}, but the node has {} outputs", count, outputs));
  return count;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  const std::size_t count = call.node.outputs.size();
  if (!data.has_shape()) return std::vector<Operand>(count, of_unknown_shape(data));
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.attributes().get_int("axis", 0), data.shape().size()));
  std::optional<Sizes> sizes = parameter_ints(call, 1, "split");
  const Dim& dim = data.shape()[axis];
  if (!has_parameter(call, 1, "split") && dim.is_number()) sizes = equal_parts(dim.size, part_count(call));
  if (sizes && dim.is_number()) require_sum(*sizes, dim.size);
  std::vector<Operand> parts;
  for (std::size_t i = 0; i < count; ++i) {
    Shape shape = data.shape();
    shape[axis] = sizes && i < sizes->size() ? Dim((*sizes)[i]) : Dim();
    parts.push_back(operand(data.type.dtype, std::move(shape)));
  }
  return parts;
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.attributes().get_int("axis", 0), data.rank()));
  const Sizes sizes =
      parameter_ints(call, 1, "split").value_or(equal_parts(data.dims()[axis], part_count(call)));
  require_sum(sizes, data.dims()[axis]);
  Tensors parts;
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    auto indices = all_indices(data.dims());
    indices[axis].resize(static_cast<std::size_t>(size));
    std::iota(indices[axis].begin(), indices[axis].end(), start);
    parts.push_back(select_indices(data, indices));
    start += size;
  }
  return parts;
}

// The gradients of the parts one behind the other; zeros for a part that does not matter.
ValueId gradient(const GradientCall& call) {
  std::vector<ValueId> parts;
  for (std::size_t i = 0; i < call.node.outputs.size(); ++i) {
    if (call.node.outputs[i] == ValueId::none) reject_gradient(call, "a node with an output left out");
    const bool matters = call.output_gradients[i] != ValueId::none;
    parts.push_back(matters ? call.output_gradients[i]
                            : filled_like(call.edit, call.graph, call.node.outputs[i], 0));
  }
  return emit(call, "Concat", parts, {{"axis", call.attributes().get_int("axis", 0)}});
}

// Along the axis every output has its own part of the input.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape() || (call.has_input(1) && !call.inputs[1].constant)) return {};
  const std::size_t rank = call.inputs[0].shape().size();
  const auto along = static_cast<std::size_t>(normalize_axis(call.attributes().get_int("axis", 0), rank));
  std::vector<TiedDims> ties = passing_ties(call, [&](std::size_t axis) { return axis != along; });
  std::int64_t offset = 0;
  const std::vector<Operand> parts = infer(call);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].shape()[along].is_number()) break;
    OperandDim part = input_dim(0, along);
    part.offset = offset;
    ties.push_back({{output_dim(i, along), part}});
    offset += parts[i].shape()[along].size;
  }
  return ties;
}

}  // namespace

OpDefinition split_op() {
  return {
      .name = "Split",
      .versions = {1, 2, 11, 13, 18},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = [](const GradientCall& call) { return std::vector{gradient(call)}; },
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::moves,
  };
}

}  // namespace edgeopt
