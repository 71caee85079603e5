// The slices of x along an axis (its elements, without one) where the condition holds.
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const bool has_axis = call.attributes().find("axis") != nullptr;
  const Tensor x = has_axis ? call.inputs[0] : call.inputs[0].reshaped({call.inputs[0].element_count()});
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), x.rank());
  const AxisLines from = lines_along(x.dims(), axis);
  std::vector<std::int64_t> kept;
  const std::vector<std::int64_t> condition = to_int64s(call.inputs[1]);
  for (std::size_t i = 0; i < condition.size(); ++i)
    if (condition[i] != 0) kept.push_back(normalize_index(static_cast<std::int64_t>(i), from.length));
  Dims dims = x.dims();
  dims[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(kept.size());
  const AxisLines to = lines_along(dims, axis);
  std::vector<std::int64_t> sources(static_cast<std::size_t>(element_count(dims)));
  for (std::int64_t line = 0; line < to.count; ++line)
    for (std::int64_t j = 0; j < to.length; ++j)
      sources[static_cast<std::size_t>(to.start(line) + j * to.step)] =
          from.start(line) + kept[static_cast<std::size_t>(j)] * from.step;
  return {pick_elements(x, dims, sources)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType& x = call.inputs[0].type;
  if (!call.attributes().find("axis")) return {operand(x.dtype, Shape(1))};
  std::optional<Shape> shape = x.shape;
  if (shape) {
    const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), shape->size());
    (*shape)[static_cast<std::size_t>(axis)] = Dim();
  }
  return {operand(x.dtype, shape)};
}

}  // namespace

OpDefinition compress_op() {
  return {
      .name = "Compress",
      .versions = {9, 11},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
  };
}

}  // namespace edgeopt
