// ArgMax, ArgMin: the index, along one axis, of the extreme element; of equals the first, or the last if
// asked.
#include <string>
#include <utility>
#include <vector>

#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

// The first NaN counts as the extreme, as in numpy.
template <typename T, typename Compare>
std::int64_t best_index(std::span<const T> x, const AxisLines& lines, std::int64_t line, Compare is_better) {
  std::int64_t best = 0;
  for (std::int64_t j = 1; j < lines.length; ++j) {
    const T candidate = x[static_cast<std::size_t>(lines.start(line) + j * lines.step)];
    const T leader = x[static_cast<std::size_t>(lines.start(line) + best * lines.step)];
    const bool is_first_nan = candidate != candidate && leader == leader;
    if (is_first_nan || is_better(candidate, leader)) best = j;
  }
  return best;
}

template <typename Compare>
Tensors find_extremes(const EvaluateCall& call, Compare is_better) {
  const Tensor x = widened(call.inputs[0]);
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), x.rank());
  const bool keep_dims = call.attributes().get_int("keepdims", 1) != 0;
  const AxisLines lines = lines_along(x.dims(), axis);
  Tensor y(DataType::int64, reduced_dims(x.dims(), std::vector{axis}, keep_dims));
  visit_type(NumberTypes{}, x.dtype(), [&]<typename T>() {
    for (std::int64_t line = 0; line < lines.count; ++line)
      y.mutable_data<std::int64_t>()[static_cast<std::size_t>(line)] =
          best_index(x.data<T>(), lines, line, is_better);
  });
  return {y};
}

template <typename Better, typename AtLeastAsGood>
EvaluateRule searching(Better is_better, AtLeastAsGood is_as_good) {
  return [=](const EvaluateCall& call) {
    return call.attributes().get_int("select_last_index", 0) != 0 ? find_extremes(call, is_as_good)
                                                                  : find_extremes(call, is_better);
  };
}

std::vector<Operand> infer(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {operand(DataType::int64, std::nullopt)};
  const Shape& x = call.inputs[0].shape();
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), x.size());
  const bool keep_dims = call.attributes().get_int("keepdims", 1) != 0;
  return {operand(DataType::int64, reduced_shape(x, std::vector{axis}, keep_dims))};
}

OpDefinition arg_extreme(std::string name, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .versions = {1, 11, 12, 13},
      .infer = infer,
      .evaluate = std::move(evaluate),
      .count_cost = [](const InferCall& call,
                       auto) { return Cost{.other_operations = known_element_count(call.inputs[0])}; },
  };
}

}  // namespace

std::vector<OpDefinition> arg_extreme_table() {
  return {
      arg_extreme("ArgMax",
                  searching([](auto a, auto b) { return a > b; }, [](auto a, auto b) { return a >= b; })),
      arg_extreme("ArgMin",
                  searching([](auto a, auto b) { return a < b; }, [](auto a, auto b) { return a <= b; })),
  };
}

}  // namespace edgeopt
