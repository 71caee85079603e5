// The k largest (or smallest) elements along one axis, best first, and their indexes; of equals the lower
// index first.
#include <algorithm>
#include <numeric>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// NaN counts as larger than every number.
template <typename T>
bool is_larger(T a, T b) {
  return a > b || (a != a && b == b);
}

template <typename T>
std::vector<std::int64_t> sorted_line(std::span<const T> x, const AxisLines& lines, std::int64_t line,
                                      bool is_largest) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(lines.length));
  std::iota(order.begin(), order.end(), 0);
  const auto element = [&](std::int64_t j) {
    return x[static_cast<std::size_t>(lines.start(line) + j * lines.step)];
  };
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return is_largest ? is_larger(element(a), element(b)) : is_larger(element(b), element(a));
  });
  return order;
}

std::int64_t wanted_count(const EvaluateCall& call, std::int64_t length) {
  if (call.opset >= 10 && (!call.has_input(1) || call.inputs[1].element_count() != 1))
    throw UserError("k must be one number");
  const std::int64_t k = call.opset < 10 ? call.attributes().get_int("k", -1) : to_int64s(call.inputs[1])[0];
  if (k < 0 || k > length) throw UserError("k must be between 0 and the length of the axis");
  return k;
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor x = widened(call.inputs[0]);
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", -1), x.rank());
  const bool is_largest = call.attributes().get_int("largest", 1) != 0;
  const AxisLines from = lines_along(x.dims(), axis);
  Dims dims = x.dims();
  dims[static_cast<std::size_t>(axis)] = wanted_count(call, from.length);
  const AxisLines to = lines_along(dims, axis);
  Tensor indexes(DataType::int64, dims);
  std::vector<std::int64_t> picked(static_cast<std::size_t>(indexes.element_count()));
  visit_type(NumberTypes{}, x.dtype(), [&]<typename T>() {
    for (std::int64_t line = 0; line < to.count; ++line) {
      const std::vector<std::int64_t> order = sorted_line(x.data<T>(), from, line, is_largest);
      for (std::int64_t j = 0; j < to.length; ++j) {
        const auto target = static_cast<std::size_t>(to.start(line) + j * to.step);
        const std::int64_t source = order[static_cast<std::size_t>(j)];
        indexes.mutable_data<std::int64_t>()[target] = source;
        picked[target] = from.start(line) + source * from.step;
      }
    }
  });
  return {pick_elements(call.inputs[0], dims, picked), indexes};
}

Dim inferred_count(const InferCall& call) {
  if (call.opset < 10) return call.attributes().get_int("k", -1);
  const auto k = call.has_input(1) ? call.inputs[1].int_elements() : std::nullopt;
  return k && k->size() == 1 ? Dim(k->front()) : Dim();
}

std::vector<Operand> infer(const InferCall& call) {
  std::optional<Shape> shape = call.inputs[0].type.shape;
  if (shape) {
    const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", -1), shape->size());
    (*shape)[static_cast<std::size_t>(axis)] = inferred_count(call);
  }
  return {operand(call.inputs[0].type.dtype, shape), operand(DataType::int64, shape)};
}

// Every gradient back to where its element came from.
ValueId gradient(const GradientCall& call, ValueId dy) {
  if (!call.node.has_output(1)) reject_gradient(call, "values whose indexes are left out");
  const ValueId zeros = filled_like(call.edit, call.graph, call.node.inputs[0], 0);
  return emit(call, "ScatterElements", {zeros, call.node.outputs[1], dy},
              {{"axis", call.attributes().get_int("axis", -1)}});
}

}  // namespace

OpDefinition top_k_op() {
  return {
      .name = "TopK",
      .versions = {1, 10, 11, 24},
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = [](const InferCall& call,
                       auto) { return Cost{.other_operations = known_element_count(call.inputs[0])}; },
      .gradient = first_input_gradient(gradient),
  };
}

}  // namespace edgeopt
