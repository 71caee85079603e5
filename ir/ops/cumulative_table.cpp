// CumSum, CumProd: y[i] = x[0] + ... + x[i] along one axis; exclusive leaves out x[i], reverse starts at the
// end.
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient_rules.h"
#include "ir/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename T, typename Function>
void accumulate(std::span<const T> x, std::span<T> y, const AxisLines& lines, const Attributes& attributes,
                T start, Function f) {
  const bool is_exclusive = attributes.get_int("exclusive", 0) != 0;
  const bool is_reverse = attributes.get_int("reverse", 0) != 0;
  for (std::int64_t line = 0; line < lines.count; ++line) {
    T total = start;
    for (std::int64_t j = 0; j < lines.length; ++j) {
      const std::int64_t along = is_reverse ? lines.length - 1 - j : j;
      const auto index = static_cast<std::size_t>(lines.start(line) + along * lines.step);
      const T next = f(total, x[index]);
      y[index] = is_exclusive ? total : next;
      total = next;
    }
  }
}

template <typename Function>
EvaluateRule accumulating(int start, Function f) {
  return [=](const EvaluateCall& call) {
    const Tensor x = widened(call.inputs[0]);
    if (call.inputs[1].element_count() != 1) throw UserError("the axis must be one number");
    const AxisLines lines = lines_along(x.dims(), to_int64s(call.inputs[1])[0]);
    Tensor y(x.dtype(), x.dims());
    visit_type(NumberTypes{}, x.dtype(), [&]<typename T>() {
      accumulate(x.data<T>(), y.mutable_data<T>(), lines, call.attributes(), static_cast<T>(start), f);
    });
    return Tensors{cast(y, call.inputs[0].dtype())};
  };
}

template <typename T>
T plus(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a + b;
  else
    return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

template <typename T>
T times(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a * b;
  else
    return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

OpDefinition cumulative(std::string name, std::vector<int> versions, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .required_inputs = 2,
      .infer = same_shape_as_input,
      .evaluate = std::move(evaluate),
      .count_cost = operations_per_output(1),
  };
}

// x[i] is in all sums from i on: the sum from the other end.
ValueId sum_gradient(const GradientCall& call, ValueId dy) {
  Attributes attributes = call.attributes();
  attributes.set("reverse", attributes.get_int("reverse", 0) != 0 ? 0 : 1);
  return emit(call, "CumSum", {dy, call.node.inputs[1]}, attributes);
}

}  // namespace

std::vector<OpDefinition> cumulative_table() {
  return {
      differentiable(
          cumulative("CumSum", {11, 14}, accumulating(0, [](auto a, auto b) { return plus(a, b); })),
          first_input_gradient(sum_gradient)),
      cumulative("CumProd", {26}, accumulating(1, [](auto a, auto b) { return times(a, b); })),
  };
}

}  // namespace edgeopt
