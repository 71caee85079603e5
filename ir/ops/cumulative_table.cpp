// CumSum, CumProd: y[i] = x[0] + ... + x[i] along one axis; exclusive leaves out x[i], reverse starts at the
// end.
// CumProdGradient(dy, x, axis) in training graphs.
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"
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

// dx[k] = x[0] ... x[k-1] * r[k], where r[k] = dy[k] + x[k+1] r[k+1] sums over all products behind k; where
// x[i] is left out of y[i], r[k] = dy[k+1] + x[k+1] r[k+1]. Nothing is divided, so zeros do no harm.
Tensors evaluate_product_gradient(const EvaluateCall& call) {
  const bool is_exclusive = call.attributes().get_int("exclusive", 0) != 0;
  const bool is_reverse = call.attributes().get_int("reverse", 0) != 0;
  const Dims& dims = call.inputs[1].dims();
  require_dims_of_result(call.inputs[0], dims);
  if (call.inputs[2].element_count() != 1) throw UserError("the axis must be one number");
  const AxisLines lines = lines_along(dims, to_int64s(call.inputs[2])[0]);
  const std::vector<double> dy = to_doubles(call.inputs[0]), x = to_doubles(call.inputs[1]);
  std::vector<double> dx(x.size());
  for (std::int64_t line = 0; line < lines.count; ++line) {
    const auto at = [&](std::int64_t k) {
      const std::int64_t along = is_reverse ? lines.length - 1 - k : k;
      return static_cast<std::size_t>(lines.start(line) + along * lines.step);
    };
    double behind = 0;
    for (std::int64_t k = lines.length - 1; k >= 0; --k) {
      const bool is_last = k == lines.length - 1;
      const double passed = is_last ? 0 : x[at(k + 1)] * behind;
      const double own = !is_exclusive ? dy[at(k)] : is_last ? 0 : dy[at(k + 1)];
      behind = own + passed;
      dx[at(k)] = behind;
    }
    double before = 1;
    for (std::int64_t k = 0; k < lines.length; ++k) {
      dx[at(k)] *= before;
      before *= x[at(k)];
    }
  }
  return {from_doubles(call.inputs[0].dtype(), dims, dx)};
}

}  // namespace

std::vector<OpDefinition> cumulative_table() {
  return {
      differentiable(
          cumulative("CumSum", {11, 14}, accumulating(0, [](auto a, auto b) { return plus(a, b); })),
          first_input_gradient(sum_gradient)),
      differentiable(cumulative("CumProd", {26}, accumulating(1, [](auto a, auto b) { return times(a, b); })),
                     move_gradient()),
      {.name = "CumProdGradient",
       .domain = training_domain,
       .required_inputs = 3,
       .infer = infer_gradient_like_x,
       .evaluate = evaluate_product_gradient,
       .count_cost = operations_per_output(4)},
  };
}

}  // namespace edgeopt
