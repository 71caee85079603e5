// y = x / (sum |x|^p)^(1/p) along an axis, p = 1 or 2; a line of zeros stays zero.
#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  const std::int64_t p = call.attributes().get_int("p", 2);
  if (p != 1 && p != 2) throw UserError("p of LpNormalization must be 1 or 2");
  const AxisLines lines = lines_along(x.dims(), call.attributes().get_int("axis", -1));
  std::vector<double> elements = to_doubles(x);
  for (std::int64_t line = 0; line < lines.count; ++line) {
    const auto element = [&](std::int64_t j) -> double& {
      return elements[static_cast<std::size_t>(lines.start(line) + j * lines.step)];
    };
    double total = 0;
    for (std::int64_t j = 0; j < lines.length; ++j)
      total += p == 1 ? std::fabs(element(j)) : element(j) * element(j);
    const double norm = p == 1 ? total : std::sqrt(total);
    for (std::int64_t j = 0; j < lines.length; ++j) element(j) = norm == 0 ? 0 : element(j) / norm;
  }
  return {from_doubles(x.dtype(), x.dims(), elements)};
}

std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  const std::int64_t along =
      normalize_axis(call.attributes().get_int("axis", -1), call.inputs[0].shape().size());
  return passing_ties(call, [&](std::size_t axis) { return static_cast<std::int64_t>(axis) != along; });
}

// With n the norm and s the derivative of n by x: x / n for p = 2, sign(x) for p = 1:
//   dx = (dy - s * sum(dy * y)) / n
// A line of zeros has no derivative, and gets 0.
ValueId gradient(const GradientCall& call, ValueId dy) {
  const ValueId x = call.node.inputs[0], y = call.node.outputs[0];
  const bool is_l1 = call.attributes().get_int("p", 2) == 1;
  const ValueId axes = int_list(call, {call.attributes().get_int("axis", -1)});
  const ValueId norm = emit(call, is_l1 ? "ReduceSum" : "Sqrt",
                            is_l1 ? std::vector{emit(call, "Abs", {x}), axes}
                                  : std::vector{emit(call, "ReduceSum", {emit(call, "Mul", {x, x}), axes})});
  const ValueId slope = is_l1 ? emit(call, "Sign", {x}) : y;
  const ValueId along = emit(call, "ReduceSum", {emit(call, "Mul", {dy, y}), axes});
  const ValueId across = emit(call, "Sub", {dy, emit(call, "Mul", {slope, along})});
  const ValueId is_zero = emit(call, "Equal", {norm, number(call, 0)});
  return emit(call, "Where", {is_zero, number(call, 0), emit(call, "Div", {across, norm})});
}

}  // namespace

OpDefinition lp_normalization_op() {
  return {
      .name = "LpNormalization",
      .versions = {1, 22},
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .count_cost = operations_per_output(3),
      .gradient = first_input_gradient(gradient),
      .tied_dims = tied_dims,
  };
}

}  // namespace edgeopt
