#include "ir/gradient/reduction_gradients.h"

#include <map>
#include <numeric>

namespace edgeopt {
namespace {

/// A reduction whose result and gradient have been given back the reduced axes as ones.
struct Reduced {
  ValueId x, y, dy;
  ValueId axes;  // ValueId::none: every axis, or (noop_with_empty_axes) none
};
using ReducedGradient = ValueId (*)(const GradientCall& call, const Reduced& reduced);

// The axes as an input: since opset 13 (ReduceSum) or 18 they are one, before an attribute.
ValueId axes_of(const GradientCall& call) {
  const auto is_empty = [&](ValueId id) {
    const auto dims = call.graph.static_dims_of(id);
    return dims && element_count(*dims) == 0;
  };
  if (call.node.has_input(1)) return is_empty(call.node.inputs[1]) ? ValueId::none : call.node.inputs[1];
  const std::vector<std::int64_t> axes = call.attributes().get_ints("axes");
  return axes.empty() ? ValueId::none : int_list(call, axes);
}

bool keeps_everything(const GradientCall& call, ValueId axes) {
  return axes == ValueId::none && call.attributes().get_int("noop_with_empty_axes", 0) != 0;
}

// A scalar that all elements were reduced to broadcasts as it is.
ValueId with_ones(const GradientCall& call, ValueId value, ValueId axes) {
  const bool has_ones = call.attributes().get_int("keepdims", 1) != 0;
  if (has_ones || axes == ValueId::none) return value;
  return emit(call, "Unsqueeze", {value, axes});
}

// The sum of `value`, of the input's dims, along the same axes.
ValueId sum_along(const GradientCall& call, ValueId value, ValueId axes) {
  std::vector<ValueId> inputs{value};
  if (axes != ValueId::none) inputs.push_back(axes);
  return emit(call, "ReduceSum", inputs,
              {{"keepdims", 1}, {"noop_with_empty_axes", keeps_everything(call, axes) ? 1 : 0}});
}

// As a ratio of sizes: a constant if symbols cancel.
ValueId share_of_mean(const GradientCall& call, ValueId mean) {
  const ValueId x = call.node.inputs[0];
  const std::optional<Shape>&from = call.graph.type_of(x).shape, &to = call.graph.type_of(mean).shape;
  const Dim count = from && to ? product_of(*from).divided_by(product_of(*to)) : Dim();
  if (count.is_number()) return number(call, 1 / static_cast<double>(count.size));
  const auto dtype = static_cast<std::int64_t>(dtype_of(call, x));
  const auto size_of = [&](ValueId value) {
    return emit(call, "Cast", {emit(call, "Size", {value})}, {{"to", dtype}});
  };
  return emit(call, "Div", {size_of(mean), size_of(x)});
}

ValueId shared_by_extremes(const GradientCall& call, const Reduced& reduced) {
  const auto dtype = static_cast<std::int64_t>(dtype_of(call, reduced.x));
  const ValueId is_extreme =
      emit(call, "Cast", {emit(call, "Equal", {reduced.x, reduced.y})}, {{"to", dtype}});
  const ValueId count = sum_along(call, is_extreme, reduced.axes);
  return emit(call, "Mul", {is_extreme, emit(call, "Div", {reduced.dy, count})});
}

// The product of the other elements: that of all that are not 0, over x where x is not 0; and 0 where another
// element is 0.
ValueId of_product(const GradientCall& call, const Reduced& reduced) {
  const ValueId zero = number(call, 0);
  const ValueId is_zero = emit(call, "Equal", {reduced.x, zero});
  const ValueId divisor = emit(call, "Where", {is_zero, number(call, 1), reduced.x});
  std::vector<ValueId> inputs = call.node.inputs;
  inputs[0] = divisor;
  Attributes attributes = call.attributes();
  attributes.set("keepdims", 1);
  const ValueId product = emit(call, "ReduceProd", std::move(inputs), std::move(attributes));
  const auto dtype = static_cast<std::int64_t>(dtype_of(call, reduced.x));
  const ValueId zeros = emit(call, "Cast", {is_zero}, {{"to", dtype}});
  const ValueId other_zeros = emit(call, "Sub", {sum_along(call, zeros, reduced.axes), zeros});
  const ValueId others = emit(
      call, "Where", {emit(call, "Equal", {other_zeros, zero}), emit(call, "Div", {product, divisor}), zero});
  return emit(call, "Mul", {reduced.dy, others});
}

ValueId of_sum(const GradientCall& call, const Reduced& reduced) { return spread(call, reduced.dy); }

ValueId of_mean(const GradientCall& call, const Reduced& reduced) {
  return spread_mean(call, reduced.dy, call.node.outputs[0]);
}

ValueId of_l1(const GradientCall& call, const Reduced& reduced) {
  return emit(call, "Mul", {reduced.dy, emit(call, "Sign", {reduced.x})});
}

// x / |x|; at 0 the subgradient 0.
ValueId of_l2(const GradientCall& call, const Reduced& reduced) {
  const ValueId is_zero = emit(call, "Equal", {reduced.y, number(call, 0)});
  const ValueId length = emit(call, "Where", {is_zero, number(call, 1), reduced.y});
  return emit(call, "Mul", {reduced.x, emit(call, "Div", {reduced.dy, length})});
}

ValueId of_sum_square(const GradientCall& call, const Reduced& reduced) {
  return emit(call, "Mul", {reduced.x, emit(call, "Mul", {reduced.dy, number(call, 2)})});
}

// y = log(sum): 1 / sum = exp(-y)
ValueId of_log_sum(const GradientCall& call, const Reduced& reduced) {
  const ValueId inverse = emit(call, "Exp", {emit(call, "Neg", {reduced.y})});
  return spread(call, emit(call, "Mul", {reduced.dy, inverse}));
}

ValueId of_log_sum_exp(const GradientCall& call, const Reduced& reduced) {
  return emit(call, "Mul", {reduced.dy, emit(call, "Exp", {emit(call, "Sub", {reduced.x, reduced.y})})});
}

}  // namespace

ValueId spread(const GradientCall& call, ValueId value) {
  return emit(call, "Expand", {value, dims_of(call, call.node.inputs[0])});
}

ValueId spread_mean(const GradientCall& call, ValueId dy, ValueId mean) {
  return spread(call, emit(call, "Mul", {dy, share_of_mean(call, mean)}));
}

ValueId spread_to_extremes(const GradientCall& call, ValueId dy, ValueId axes) {
  return shared_by_extremes(call,
                            {.x = call.node.inputs[0], .y = call.node.outputs[0], .dy = dy, .axes = axes});
}

GradientRule reduction_gradient(const std::string& op_type) {
  static const std::map<std::string, ReducedGradient> known = {
      {"ReduceSum", of_sum},
      {"ReduceMean", of_mean},
      {"ReduceMax", shared_by_extremes},
      {"ReduceMin", shared_by_extremes},
      {"ReduceProd", of_product},
      {"ReduceL1", of_l1},
      {"ReduceL2", of_l2},
      {"ReduceSumSquare", of_sum_square},
      {"ReduceLogSum", of_log_sum},
      {"ReduceLogSumExp", of_log_sum_exp},
  };
  const auto found = known.find(op_type);
  if (found == known.end()) return {};
  return first_input_gradient([rule = found->second](const GradientCall& call, ValueId dy) {
    const ValueId axes = axes_of(call);
    return rule(call, {.x = call.node.inputs[0],
                       .y = with_ones(call, call.node.outputs[0], axes),
                       .dy = with_ones(call, dy, axes),
                       .axes = axes});
  });
}

}  // namespace edgeopt
