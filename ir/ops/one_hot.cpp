// y = values[1] where the coordinate along the new axis is the index, else values[0]. Negative indexes count
// from the end; an index out of range lights nothing.
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::int64_t axis_in_result(const Attributes& attributes, std::size_t index_rank) {
  return normalize_axis(attributes.get_int("axis", -1), index_rank + 1);
}

Tensors evaluate(const EvaluateCall& call) {
  const std::vector<std::int64_t> indexes = to_int64s(call.inputs[0]);
  const std::int64_t depth = to_int64(to_double(call.inputs[1]));
  if (depth < 1) throw UserError("the depth of OneHot must be at least 1");
  if (call.inputs[2].element_count() != 2) throw UserError("OneHot needs two values: off and on");
  const std::int64_t axis = axis_in_result(call.attributes(), call.inputs[0].rank());
  Dims dims = call.inputs[0].dims();
  dims.insert(dims.begin() + axis, depth);
  const AxisLines lines = lines_along(dims, axis);
  std::vector<std::int64_t> choices(static_cast<std::size_t>(element_count(dims)), 0);
  for (std::int64_t line = 0; line < lines.count; ++line) {
    std::int64_t index = indexes[static_cast<std::size_t>(line)];
    if (index < 0) index += depth;
    if (index >= 0 && index < depth)
      choices[static_cast<std::size_t>(lines.start(line) + index * lines.step)] = 1;
  }
  return {pick_elements(call.inputs[2], dims, choices)};
}

std::vector<Operand> infer(const InferCall& call) {
  const DataType dtype = call.inputs[2].type.dtype;
  if (!call.inputs[0].has_shape()) return {operand(dtype, std::nullopt)};
  Shape shape = call.inputs[0].shape();
  const auto depth = call.inputs[1].int_elements();
  const std::int64_t axis = axis_in_result(call.attributes(), shape.size());
  shape.insert(shape.begin() + axis, depth && depth->size() == 1 ? Dim(depth->front()) : Dim());
  return {operand(dtype, shape)};
}

}  // namespace

OpDefinition one_hot_op() {
  return {
      .name = "OneHot",
      .versions = {9, 11},
      .required_inputs = 3,
      .infer = infer,
      .evaluate = evaluate,
  };
}

}  // namespace edgeopt
