// y = the dims of x from `start` to before `end` (both count from the back if negative, and are clamped).
#include <algorithm>

#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

struct Bounds {
  std::size_t start = 0;
  std::size_t count = 0;
};

Bounds bounds_of(const Attributes& attributes, std::size_t rank) {
  const auto length = static_cast<std::int64_t>(rank);
  const auto clamped = [length](std::int64_t axis) {
    return std::clamp<std::int64_t>(axis < 0 ? axis + length : axis, 0, length);
  };
  const std::int64_t start = clamped(attributes.get_int("start", 0));
  const std::int64_t end = clamped(attributes.get_int("end", length));
  return {static_cast<std::size_t>(start), static_cast<std::size_t>(std::max<std::int64_t>(end - start, 0))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Dims& dims = call.inputs[0].dims();
  const Bounds bounds = bounds_of(call.attributes(), dims.size());
  return {int64_tensor(std::span(dims).subspan(bounds.start, bounds.count))};
}

std::vector<Operand> infer(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {operand(DataType::int64, Shape(1))};
  const Shape& dims = call.inputs[0].shape();
  const Bounds bounds = bounds_of(call.attributes(), dims.size());
  Operand y = operand(DataType::int64, Shape{static_cast<std::int64_t>(bounds.count)});
  const auto first = dims.begin() + static_cast<std::ptrdiff_t>(bounds.start);
  y.elements = Shape(first, first + static_cast<std::ptrdiff_t>(bounds.count));
  return {y};
}

}  // namespace

OpDefinition shape_op() {
  return {
      .name = "Shape",
      .versions = {1, 13, 15, 19, 21, 23, 24, 25},
      .infer = infer,
      .evaluate = evaluate,
  };
}

}  // namespace edgeopt
