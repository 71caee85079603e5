// Min, Max, Sum, Mean: y = f(x1, x2, ...), any number of inputs, with broadcasting.
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

using Combine = Tensor (*)(const Tensor&, const Tensor&);

// NaN wins, as in numpy.
template <typename T>
T smaller(T a, T b) {
  return a < b || a != a ? a : b;
}
template <typename T>
T larger(T a, T b) {
  return a > b || a != a ? a : b;
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  return combine_elements<void>(NumberTypes{}, a, b, [](auto x, auto y) { return smaller(x, y); });
}
Tensor maximum(const Tensor& a, const Tensor& b) {
  return combine_elements<void>(NumberTypes{}, a, b, [](auto x, auto y) { return larger(x, y); });
}
Tensor sum(const Tensor& a, const Tensor& b) {
  return combine_elements<void>(FloatTypes{}, a, b, [](auto x, auto y) { return x + y; });
}

Tensor folded(const EvaluateCall& call, Combine combine) {
  Tensor result = widened(call.inputs[0]);
  for (const Tensor& next : call.inputs.subspan(1)) result = combine(result, widened(next));
  return result;
}

Tensors mean(const EvaluateCall& call) {
  const auto count = static_cast<double>(call.inputs.size());
  const Tensor average = map_floats(folded(call, sum), [=](double x) { return x / count; });
  return {cast(average, call.inputs[0].dtype())};
}

OpDefinition variadic(std::string name, std::vector<int> versions, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .infer = infer_broadcast,
      .evaluate = std::move(evaluate),
      .count_cost =
          [](const InferCall& call, std::span<const Operand> outputs) {
            const auto others = static_cast<std::int64_t>(call.inputs.size()) - 1;
            return operations_per_output(others)(call, outputs);
          },
      .is_elementwise = true,
      .is_commutative = true,
      .is_homogeneous = true,
  };
}

EvaluateRule folding(Combine combine) {
  return [combine](const EvaluateCall& call) {
    return Tensors{cast(folded(call, combine), call.inputs[0].dtype())};
  };
}

OpDefinition with_gradient(OpDefinition op, std::function<ValueId(const GradientCall&, ValueId dy)> f) {
  return differentiable(std::move(op), [f = std::move(f)](const GradientCall& call) {
    const ValueId share = f(call, call.output_gradients[0]);
    return for_wanted(call, [&](std::size_t i) { return sum_to_input(call, share, i); });
  });
}

// The first input that equals the result takes the gradient; the next ones get what is left.
std::vector<ValueId> extreme_gradient(const GradientCall& call) {
  const ValueId none = number(call, 0);
  ValueId left = call.output_gradients[0];
  std::vector<ValueId> gradients;
  for (std::size_t i = 0; i < call.node.inputs.size(); ++i) {
    const bool is_last = i + 1 == call.node.inputs.size();
    const ValueId is_chosen =
        is_last ? ValueId::none : emit(call, "Equal", {call.node.inputs[i], call.node.outputs[0]});
    const ValueId taken = is_last ? left : emit(call, "Where", {is_chosen, left, none});
    if (!is_last) left = emit(call, "Where", {is_chosen, none, left});
    gradients.push_back(call.wants(i) ? sum_to_input(call, taken, i) : ValueId::none);
  }
  return gradients;
}

}  // namespace

std::vector<OpDefinition> variadic_table() {
  return {
      differentiable(variadic("Min", {1, 6, 8, 12, 13}, folding(minimum)), extreme_gradient),
      differentiable(variadic("Max", {1, 6, 8, 12, 13}, folding(maximum)), extreme_gradient),
      with_gradient(variadic("Sum", {1, 6, 8, 13}, folding(sum)),
                    [](const GradientCall&, ValueId dy) { return dy; }),
      with_gradient(variadic("Mean", {1, 6, 8, 13}, mean),
                    [](const GradientCall& call, ValueId dy) {
                      const auto count = static_cast<double>(call.node.inputs.size());
                      return emit(call, "Mul", {dy, number(call, 1 / count)});
                    }),
  };
}

}  // namespace edgeopt
