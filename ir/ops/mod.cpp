// y = a mod b. fmod = 0: the sign of the divisor (Python's %), integers only; fmod = 1: the sign of the
// dividend (C's fmod).
#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename T>
T c_modulo(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(a, b);
  } else {
    if (b == T{0}) throw UserError("integer modulo by zero");
    // The quotient of the smallest integer and -1 would overflow.
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return T{0};
    return static_cast<T>(a % b);
  }
}

template <typename T>
T python_modulo(T a, T b) {
  const T remainder = c_modulo(a, b);
  const bool has_other_sign = remainder != T{0} && (remainder < T{0}) != (b < T{0});
  return has_other_sign ? static_cast<T>(remainder + b) : remainder;
}

Tensors evaluate(const EvaluateCall& call) {
  const bool is_c = call.attributes().get_int("fmod", 0) != 0;
  return {combine_elements<void>(NumberTypes{}, call.inputs[0], call.inputs[1], [=](auto a, auto b) {
    return is_c ? c_modulo(a, b) : python_modulo(a, b);
  })};
}

// a mod b = a - b * q with q whole: 1 by a, -q by b.
std::vector<ValueId> gradient(const GradientCall& call) {
  const std::vector<ValueId>& inputs = call.node.inputs;
  return for_wanted(call, [&](std::size_t i) {
    ValueId gradient = call.output_gradients[0];
    if (i == 1) {
      const ValueId rest = emit(call, "Sub", {call.node.outputs[0], inputs[0]});
      gradient = emit(call, "Mul", {gradient, emit(call, "Div", {rest, inputs[1]})});
    }
    return sum_to_input(call, gradient, i);
  });
}

}  // namespace

OpDefinition mod_op() {
  return {
      .name = "Mod",
      .versions = {10, 13},
      .required_inputs = 2,
      .infer = infer_broadcast,
      .evaluate = evaluate,
      .count_cost = operations_per_output(1),
      .gradient = gradient,
      .is_elementwise = true,
  };
}

}  // namespace edgeopt
