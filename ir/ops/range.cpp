// y[i] = start + i * delta, i = 0 .. max(ceil((limit - start) / delta), 0) - 1
#include <algorithm>
#include <cmath>

#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::int64_t count_of(double start, double limit, double delta) {
  if (delta == 0) throw UserError("delta of Range must not be 0");
  return std::max<std::int64_t>(to_int64(std::ceil((limit - start) / delta)), 0);
}

Tensors evaluate(const EvaluateCall& call) {
  const DataType dtype = call.inputs[0].dtype();
  const double start = to_double(call.inputs[0]);
  const double delta = to_double(call.inputs[2]);
  const std::int64_t count = count_of(start, to_double(call.inputs[1]), delta);
  if (is_floating_point(dtype)) {
    std::vector<double> elements;
    elements.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) elements.push_back(start + static_cast<double>(i) * delta);
    return {from_doubles(dtype, {count}, elements)};
  }
  std::vector<std::int64_t> elements;
  elements.reserve(static_cast<std::size_t>(count));
  const auto first = static_cast<std::uint64_t>(to_int64s(call.inputs[0])[0]);
  const auto step = static_cast<std::uint64_t>(to_int64s(call.inputs[2])[0]);
  for (std::int64_t i = 0; i < count; ++i)
    elements.push_back(static_cast<std::int64_t>(first + static_cast<std::uint64_t>(i) * step));
  return {from_int64s(dtype, {count}, elements)};
}

bool is_integer_constant(const Operand& operand, std::int64_t wanted) {
  const auto elements = operand.int_elements();
  return elements && elements->size() == 1 && elements->front() == wanted;
}

Dim inferred_count(const InferCall& call) {
  const Operand& limit = call.inputs[1];
  std::vector<double> bounds;
  for (const Operand& each : call.inputs.first(3)) {
    const auto integers = each.int_elements();
    if (integers && integers->size() == 1)
      bounds.push_back(static_cast<double>(integers->front()));
    else if (each.constant && each.constant->element_count() == 1 &&
             is_floating_point(each.constant->dtype()))
      bounds.push_back(to_double(*each.constant));
  }
  if (bounds.size() == 3) return count_of(bounds[0], bounds[1], bounds[2]);
  // Range(0, N, 1) has N elements.
  const bool counts_up = is_integer_constant(call.inputs[0], 0) && is_integer_constant(call.inputs[2], 1);
  return counts_up && limit.elements && limit.elements->size() == 1 ? limit.elements->front() : Dim();
}

std::vector<Operand> infer(const InferCall& call) {
  return {operand(call.inputs[0].type.dtype, Shape{inferred_count(call)})};
}

}  // namespace

OpDefinition range_op() {
  return {
      .name = "Range",
      .versions = {11, 27},
      .required_inputs = 3,
      .infer = infer,
      .evaluate = evaluate,
  };
}

}  // namespace edgeopt
