// Tensors one behind the other along an axis: Concat([a, b], [c]) = [a, b, c]
#include <fmt/format.h>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Before opset 4 the axis could be left out.
std::int64_t axis_of(const Attributes& attributes) { return attributes.get_int("axis", 1); }

std::optional<Shape> joined_elements(const InferCall& call) {
  Shape joined;
  for (const Operand& input : call.inputs) {
    const std::optional<Shape> elements = known_elements(input);
    if (!elements || !input.has_shape() || input.shape().size() != 1) return std::nullopt;
    joined.insert(joined.end(), elements->begin(), elements->end());
  }
  return joined;
}

Dim sum_along(const InferCall& call, std::size_t axis) {
  std::int64_t sum = 0;
  for (const Operand& input : call.inputs) {
    if (!input.has_shape() || !input.shape()[axis].is_number()) return {};
    sum += input.shape()[axis].size;
  }
  return sum;
}

// Numbers win over symbols: all inputs have the same size there.
Dim agreed_dim(const InferCall& call, std::size_t axis) {
  Dim agreed;
  for (const Operand& input : call.inputs) {
    if (!input.has_shape()) continue;
    const Dim& dim = input.shape()[axis];
    if (dim.is_number() && agreed.is_number() && dim.size != agreed.size)
      throw UserError(
          fmt::format("the inputs have sizes {} and {} at axis {}, but must agree outside the axis of Concat",
                      agreed.size, dim.size, axis));
    if (agreed.is_unknown() || dim.is_number()) agreed = dim;
  }
  return agreed;
}

std::optional<std::size_t> common_rank(const InferCall& call) {
  std::optional<std::size_t> rank;
  for (const Operand& input : call.inputs) {
    if (!input.has_shape()) continue;
    if (rank && *rank != input.shape().size())
      throw UserError(
          fmt::format("inputs of {} and {} dims cannot be concatenated", *rank, input.shape().size()));
    rank = input.shape().size();
  }
  return rank;
}

void require_one_type(const InferCall& call) {
  DataType common = DataType::undefined;
  for (const Operand& input : call.inputs) {
    const DataType dtype = input.type.dtype;
    if (dtype != DataType::undefined && common != DataType::undefined && dtype != common)
      throw UserError(
          fmt::format("{} and {} elements cannot be concatenated", name_of(common), name_of(dtype)));
    if (dtype != DataType::undefined) common = dtype;
  }
}

std::vector<Operand> infer(const InferCall& call) {
  require_one_type(call);
  Operand result = of_unknown_shape(required_input(call, 0));
  const std::optional<std::size_t> rank = common_rank(call);
  if (!rank) return {result};
  const auto along = static_cast<std::size_t>(normalize_axis(axis_of(call.attributes()), *rank));
  Shape shape;
  for (std::size_t i = 0; i < *rank; ++i)
    shape.push_back(i == along ? sum_along(call, i) : agreed_dim(call, i));
  result.type.shape = std::move(shape);
  result.elements = joined_elements(call);
  return {result};
}

Tensors evaluate(const EvaluateCall& call) { return {concatenate(call.inputs, axis_of(call.attributes()))}; }

// The parts of dy that the inputs became.
std::vector<ValueId> gradient(const GradientCall& call) {
  const std::int64_t axis = axis_of(call.attributes());
  std::vector<std::int64_t> sizes;
  std::vector<ValueId> computed_sizes;
  for (const ValueId input : call.node.inputs) {
    if (const std::optional<Shape>& shape = call.graph.type_of(input).shape) {
      const Dim& dim = (*shape)[static_cast<std::size_t>(normalize_axis(axis, shape->size()))];
      if (dim.is_number()) sizes.push_back(dim.size);
    }
    computed_sizes.push_back(input);
  }
  ValueId split = ValueId::none;
  if (sizes.size() == call.node.inputs.size()) {
    split = int_list(call, sizes);
  } else {
    for (ValueId& size : computed_sizes)
      size = emit(call, "Gather", {emit(call, "Shape", {size}), int_list(call, {axis})});
    split = emit(call, "Concat", computed_sizes, {{"axis", 0}});
  }
  return call.edit.add_node({.op_type = "Split",
                             .inputs = {call.output_gradients[0], split},
                             .attributes = {{"axis", axis}},
                             .output_count = static_cast<int>(call.node.inputs.size())});
}

// Along the axis every input has its own part of the output.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  const std::optional<std::size_t> rank = common_rank(call);
  if (!rank) return {};
  const auto along = static_cast<std::size_t>(normalize_axis(axis_of(call.attributes()), *rank));
  std::vector<TiedDims> ties;
  for (std::size_t axis = 0; axis < *rank; ++axis) {
    if (axis == along) continue;
    ties.push_back({{output_dim(0, axis)}});
    for (std::size_t i = 0; i < call.inputs.size(); ++i) ties.back().dims.push_back(input_dim(i, axis));
  }
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (!call.inputs[i].has_shape() || !call.inputs[i].shape()[along].is_number()) break;
    OperandDim part = output_dim(0, along);
    part.offset = offset;
    ties.push_back({{input_dim(i, along), part}});
    offset += call.inputs[i].shape()[along].size;
  }
  return ties;
}

}  // namespace

OpDefinition concat_op() {
  return {
      .name = "Concat",
      .versions = {1, 4, 11, 13},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = gradient,
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::moves,
  };
}

}  // namespace edgeopt
