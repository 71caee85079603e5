// y = min(max(x, low), high); bounds as attributes below opset 11, as inputs since. low > high gives high.
#include <limits>
#include <optional>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename T>
std::optional<T> bound(const EvaluateCall& call, std::size_t index, const char* name) {
  if (call.opset < 11) {
    const float* attribute = call.attributes().get<float>(name);
    if (!attribute) return std::nullopt;
    return from_doubles(DataTypeOf<T>::value, {}, {*attribute}).template data<T>()[0];
  }
  if (!call.has_input(index)) return std::nullopt;
  const Tensor value = widened(call.inputs[index]);
  if (value.element_count() != 1) throw UserError("a bound of Clip must be one number");
  require_element_type(value, DataTypeOf<T>::value);
  return value.data<T>()[0];
}

// NaN fails both comparisons and stays NaN.
Tensors evaluate(const EvaluateCall& call) {
  Tensor y = widened(call.inputs[0]);
  visit_type(NumberTypes{}, y.dtype(), [&]<typename T>() {
    const std::optional<T> low = bound<T>(call, 1, "min");
    const std::optional<T> high = bound<T>(call, 2, "max");
    for (T& element : y.mutable_data<T>()) {
      if (low && element < *low) element = *low;
      if (high && element > *high) element = *high;
    }
  });
  return {cast(y, call.inputs[0].dtype())};
}

// The elements that a bound replaced depend on that bound alone.
ValueId bound_gradient(const GradientCall& call, std::size_t bound) {
  const char* const is_outside = bound == 1 ? "Less" : "Greater";
  const ValueId outside = emit(call, is_outside, {call.node.inputs[0], call.node.inputs[bound]});
  return sum_to_input(call, emit(call, "Where", {outside, call.output_gradients[0], number(call, 0)}), bound);
}

std::vector<ValueId> gradient(const GradientCall& call) {
  return for_wanted(call, [&](std::size_t i) {
    if (i > 0) return bound_gradient(call, i);
    std::vector<ValueId> inputs = call.node.inputs;
    inputs.insert(inputs.begin(), call.output_gradients[0]);
    return emit_training(call, "ClipGradient", std::move(inputs));
  });
}

}  // namespace

OpDefinition clip_op() {
  return {
      .name = "Clip",
      .versions = {1, 6, 11, 12, 13},
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .count_cost = operations_per_output(2),
      .gradient = gradient,
      .is_elementwise = true,
      .is_idempotent = true,
  };
}

}  // namespace edgeopt
