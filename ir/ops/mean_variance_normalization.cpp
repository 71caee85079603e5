// y = (x - mean) / (sqrt(mean of x^2 - mean^2) + 1e-9), over the axes.
#include <algorithm>

#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

constexpr double guard = 1e-9;  // the constant in the spec's function body

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  const std::vector<std::int64_t> axes = sorted_axes(call.attributes().get_ints("axes", {0, 2, 3}), x.rank());
  const Dims reduced = reduced_dims(x.dims(), axes, true);
  const std::vector<std::int64_t> groups = broadcast_indexes(reduced, x.dims());
  std::vector<double> elements = to_doubles(x);
  std::vector<double> mean(static_cast<std::size_t>(element_count(reduced)));
  std::vector<double> variance(mean.size());
  const double per_group = static_cast<double>(elements.size()) / static_cast<double>(mean.size());
  for (std::size_t i = 0; i < elements.size(); ++i)
    mean[static_cast<std::size_t>(groups[i])] += elements[i] / per_group;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto group = static_cast<std::size_t>(groups[i]);
    variance[group] += std::pow(elements[i] - mean[group], 2) / per_group;
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto group = static_cast<std::size_t>(groups[i]);
    elements[i] = (elements[i] - mean[group]) / (std::sqrt(variance[group]) + guard);
  }
  return {from_doubles(x.dtype(), x.dims(), elements)};
}

// With deviation d and centered c, y = c / (d + guard):
//   dx = (dy - mean(dy) - c / d * mean(dy * y)) / (d + guard)
ValueId gradient(const GradientCall& call, ValueId dy) {
  const Attributes over = {{"axes", call.attributes().get_ints("axes", {0, 2, 3})}};
  const auto mean = [&](ValueId value) {
    if (call.opset < 18) return emit(call, "ReduceMean", {value}, over);
    return emit(call, "ReduceMean", {value, int_list(call, over.get_ints("axes", {}))});
  };
  const ValueId x = call.node.inputs[0], y = call.node.outputs[0];
  const ValueId centered = emit(call, "Sub", {x, mean(x)});
  const ValueId deviation = emit(call, "Sqrt", {mean(emit(call, "Mul", {centered, centered}))});
  const ValueId guarded = emit(call, "Add", {deviation, number(call, guard)});
  const ValueId along = emit(call, "Div", {mean(emit(call, "Mul", {dy, y})), deviation});
  const ValueId rest =
      emit(call, "Sub", {emit(call, "Sub", {dy, mean(dy)}), emit(call, "Mul", {centered, along})});
  return emit(call, "Div", {rest, guarded});
}

std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  const std::vector<std::int64_t> axes =
      sorted_axes(call.attributes().get_ints("axes", {0, 2, 3}), call.inputs[0].shape().size());
  return passing_ties(call, [&](std::size_t axis) {
    return std::ranges::find(axes, static_cast<std::int64_t>(axis)) == axes.end();
  });
}

}  // namespace

OpDefinition mean_variance_normalization_op() {
  return {
      .name = "MeanVarianceNormalization",
      .versions = {9, 13},
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .count_cost = operations_per_output(6),
      .gradient = first_input_gradient(gradient),
      .tied_dims = tied_dims,
  };
}

}  // namespace edgeopt
