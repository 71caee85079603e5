#include "ir/tied_dims.h"

#include <algorithm>
#include <optional>

namespace edgeopt {
namespace {

// The common size along the axis `from_last` (1 = last); nothing if it is 1 or open somewhere.
std::optional<std::int64_t> common_size(const InferCall& call, std::size_t from_last) {
  std::int64_t size = 1;
  for (const Operand& input : call.inputs) {
    if (!input.is_present || input.shape().size() < from_last) continue;
    const Dim& dim = input.shape()[input.shape().size() - from_last];
    if (!dim.is_number()) return std::nullopt;
    if (dim.size != 1) size = dim.size;
  }
  return size == 1 ? std::nullopt : std::optional(size);
}

// A dim of a shape that is not 1, with its axis.
struct Part {
  std::size_t axis = 0;
  Dim dim;
};

std::vector<Part> parts_of(const Shape& shape) {
  std::vector<Part> parts;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != Dim(1)) parts.push_back({i, shape[i]});
  return parts;
}

// Dims that hold the same elements on both sides of a reshape.
struct Segment {
  std::span<const Part> input, output;
};

OperandDim dim_of(bool is_output, const Part& part) {
  return {.is_output = is_output, .operand = 0, .axis = static_cast<int>(part.axis)};
}

// One dim on one side, its factors on the other: tied along factor `k`.
TiedDims factor_tie(const Part& whole, std::span<const Part> factors, std::size_t k, bool whole_is_output) {
  std::int64_t before = 1, behind = 1;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (i < k) before *= factors[i].dim.size;
    if (i > k) behind *= factors[i].dim.size;
  }
  OperandDim composed = dim_of(whole_is_output, whole);
  composed.step = composed.repeat = behind;
  composed.copies = before;
  composed.period = factors[k].dim.size * behind;
  return {.dims = {dim_of(!whole_is_output, factors[k]), composed}, .choice = k == 0 ? 1 : 2};
}

void append_ties(std::vector<TiedDims>& ties, const Segment& segment) {
  if (segment.input.size() == 1 && segment.output.size() == 1) {
    ties.push_back({.dims = {dim_of(false, segment.input[0]), dim_of(true, segment.output[0])}});
    return;
  }
  const bool is_merge = segment.output.size() == 1;
  if (!is_merge && segment.input.size() != 1) return;
  const Part& whole = is_merge ? segment.output[0] : segment.input[0];
  const std::span<const Part> factors = is_merge ? segment.input : segment.output;
  for (const std::size_t k : {std::size_t{0}, factors.size() - 1})
    ties.push_back(factor_tie(whole, factors, k, is_merge));
}

// Cuts two lists of numbers with the same product into the shortest segments with the same products.
void append_segments(std::vector<TiedDims>& ties, std::span<const Part> input, std::span<const Part> output) {
  while (!input.empty() && !output.empty()) {
    std::size_t a = 1, b = 1;
    std::int64_t left = input[0].dim.size, right = output[0].dim.size;
    while (left != right) {
      if (left < right ? a == input.size() : b == output.size()) return;
      if (left < right)
        left *= input[a++].dim.size;
      else
        right *= output[b++].dim.size;
    }
    append_ties(ties, {input.first(a), output.first(b)});
    input = input.subspan(a);
    output = output.subspan(b);
  }
}

struct Shapes {
  Shape input, output;
};

std::optional<Shapes> shapes_of(const InferCall& call, const InferRule& infer) {
  const std::vector<Operand> outputs = infer(call);
  if (!call.inputs[0].has_shape() || !outputs[0].has_shape()) return std::nullopt;
  return Shapes{call.inputs[0].shape(), outputs[0].shape()};
}

bool are_numbers(std::span<const Part> parts) {
  return std::ranges::all_of(parts,
                             [](const Part& part) { return part.dim.is_number() && part.dim.size > 0; });
}

}  // namespace

OperandDim input_dim(std::size_t operand, std::size_t axis) {
  return {.operand = static_cast<int>(operand), .axis = static_cast<int>(axis)};
}

OperandDim output_dim(std::size_t operand, std::size_t axis) {
  return {.is_output = true, .operand = static_cast<int>(operand), .axis = static_cast<int>(axis)};
}

std::vector<TiedDims> tied_dims_of(const OpDefinition& op, const InferCall& call) {
  if (op.tied_dims) return op.tied_dims(call);
  return op.is_elementwise ? broadcast_ties(call) : std::vector<TiedDims>();
}

std::vector<TiedDims> broadcast_ties(const InferCall& call) {
  // Below opset 7 the attribute says where the second input lies.
  if (call.attributes().find("axis")) return {};
  std::size_t rank = 0;
  for (const Operand& input : call.inputs) {
    if (!input.is_present) continue;
    if (!input.has_shape()) return {};
    rank = std::max(rank, input.shape().size());
  }
  std::vector<TiedDims> ties;
  for (std::size_t from_last = 1; from_last <= rank; ++from_last) {
    const std::optional<std::int64_t> size = common_size(call, from_last);
    if (!size) continue;
    TiedDims tie;
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      if (!call.inputs[i].is_present || call.inputs[i].shape().size() < from_last) continue;
      const std::size_t axis = call.inputs[i].shape().size() - from_last;
      if (call.inputs[i].shape()[axis] == Dim(*size)) tie.dims.push_back(input_dim(i, axis));
    }
    for (std::size_t i = 0; i < call.node.outputs.size(); ++i)
      tie.dims.push_back(output_dim(i, rank - from_last));
    ties.push_back(std::move(tie));
  }
  return ties;
}

std::vector<TiedDims> passing_ties(const InferCall& call,
                                   const std::function<bool(std::size_t axis)>& passes) {
  std::vector<TiedDims> ties;
  if (call.inputs.empty() || !call.inputs[0].has_shape()) return ties;
  for (std::size_t axis = 0; axis < call.inputs[0].shape().size(); ++axis) {
    if (!passes(axis)) continue;
    TiedDims tie{{input_dim(0, axis)}};
    for (std::size_t i = 0; i < call.node.outputs.size(); ++i) tie.dims.push_back(output_dim(i, axis));
    ties.push_back(std::move(tie));
  }
  return ties;
}

std::vector<TiedDims> equal_size_ties(const Shape& input, const Shape& output) {
  std::vector<TiedDims> ties;
  for (std::size_t from_last = 1; from_last <= std::min(input.size(), output.size()); ++from_last) {
    const std::size_t from = input.size() - from_last, to = output.size() - from_last;
    if (input[from].is_number() && input[from] == output[to])
      ties.push_back({{input_dim(0, from), output_dim(0, to)}});
  }
  return ties;
}

std::vector<TiedDims> reshape_ties(const Shape& input_shape, const Shape& output_shape) {
  const std::vector<Part> input_parts = parts_of(input_shape), output_parts = parts_of(output_shape);
  std::span<const Part> input = input_parts, output = output_parts;
  std::vector<TiedDims> ties;
  const auto pair = [&](const Part& from, const Part& to) {
    ties.push_back({.dims = {dim_of(false, from), dim_of(true, to)}});
  };
  // What is no number can only be matched whole, from either end.
  while (!input.empty() && !output.empty() && is_surely_equal(input.front().dim, output.front().dim)) {
    pair(input.front(), output.front());
    input = input.subspan(1);
    output = output.subspan(1);
  }
  while (!input.empty() && !output.empty() && is_surely_equal(input.back().dim, output.back().dim)) {
    pair(input.back(), output.back());
    input = input.first(input.size() - 1);
    output = output.first(output.size() - 1);
  }
  if (are_numbers(input) && are_numbers(output)) append_segments(ties, input, output);
  return ties;
}

std::vector<TiedDims> equal_size_ties(const InferCall& call, const InferRule& infer) {
  const std::optional<Shapes> shapes = shapes_of(call, infer);
  return shapes ? equal_size_ties(shapes->input, shapes->output) : std::vector<TiedDims>();
}

std::vector<TiedDims> reshape_ties(const InferCall& call, const InferRule& infer) {
  const std::optional<Shapes> shapes = shapes_of(call, infer);
  return shapes ? reshape_ties(shapes->input, shapes->output) : std::vector<TiedDims>();
}

std::vector<TiedDims> scale_ties(const InferCall& call) {
  if (!call.inputs[0].has_shape() || call.attributes().get_int("block_size", 0) != 0) return {};
  std::vector<TiedDims> ties = passing_ties(call, [](std::size_t) { return true; });
  const std::size_t rank = call.inputs[0].shape().size();
  if (rank == 0) return ties;
  const std::int64_t axis = call.attributes().get_int("axis", 1);
  const auto along = static_cast<std::size_t>(rank == 1 ? 0 : normalize_axis(axis, rank));
  for (const std::size_t parameter : {1, 2}) {
    if (!call.has_input(parameter)) continue;
    if (!call.inputs[parameter].has_shape()) return {};
    const Shape& shape = call.inputs[parameter].shape();
    if (shape.size() == 1 && shape[0] != Dim(1)) ties[along].dims.push_back(input_dim(parameter, 0));
  }
  return ties;
}

}  // namespace edgeopt
