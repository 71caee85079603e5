// Poolings over whole planes: [N,C,...] -> [N,C,1,...]
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ir/gradient/reduction_gradients.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/pool_rules.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

Tensors evaluate_average(const EvaluateCall& call) {
  const Tensor& input = required_input(call, 0);
  return {pool(input, global_window(input), [](const PoolWindow& window) {
    double sum = 0;
    for (const double element : window.plane) sum += element;
    return sum / static_cast<double>(window.plane.size());
  })};
}

Tensors evaluate_max(const EvaluateCall& call) {
  const Tensor& input = required_input(call, 0);
  return {pool(input, global_window(input),
               [](const PoolWindow& window) { return std::ranges::max(window.plane); })};
}

Tensors evaluate_lp(const EvaluateCall& call) {
  const Tensor& input = required_input(call, 0);
  const double p = call.opset < 2 ? call.attributes().get_float("p", 2)
                                  : static_cast<double>(call.attributes().get_int("p", 2));
  return {pool(input, global_window(input), [p](const PoolWindow& window) {
    double sum = 0;
    for (const double element : window.plane) sum += std::pow(std::abs(element), p);
    return std::pow(sum, 1 / p);
  })};
}

std::vector<std::int64_t> spatial_axes(const GradientCall& call) {
  std::vector<std::int64_t> axes(rank_of(call, call.node.inputs[0]));
  std::iota(axes.begin(), axes.end(), 0);
  axes.erase(axes.begin(), axes.begin() + 2);
  return axes;
}

ValueId average_gradient(const GradientCall& call, ValueId dy) {
  return spread_mean(call, dy, call.node.outputs[0]);
}

ValueId max_gradient(const GradientCall& call, ValueId dy) {
  return spread_to_extremes(call, dy, int_list(call, spatial_axes(call)));
}

// dx = dy * sign(x) * (|x| / y)^(p-1); planes of zeros pass nothing on.
ValueId lp_gradient(const GradientCall& call, ValueId dy) {
  const ValueId x = call.node.inputs[0], y = call.node.outputs[0];
  const ValueId zero = number(call, 0);
  const ValueId power = number(call, static_cast<double>(call.attributes().get_int("p", 2) - 1));
  const ValueId is_zero = emit(call, "Equal", {y, zero});
  const ValueId norm = emit(call, "Where", {is_zero, number(call, 1), y});
  const ValueId share = emit(call, "Pow", {emit(call, "Div", {emit(call, "Abs", {x}), norm}), power});
  return emit(call, "Mul", {dy, emit(call, "Mul", {emit(call, "Sign", {x}), share})});
}

// Windows lie behind the batch and the channels.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  return passing_ties(call, [](std::size_t axis) { return axis < 2; });
}

}  // namespace

std::vector<OpDefinition> global_pool_table() {
  return {{.name = "GlobalAveragePool",
           .versions = {1, 22},
           .infer = infer_global_pool,
           .evaluate = evaluate_average,
           .count_cost = pool_cost,
           .gradient = first_input_gradient(average_gradient),
           .tied_dims = tied_dims,
           .quantization = {.role = QuantizationRole::computes},
           .is_homogeneous = true},
          {.name = "GlobalMaxPool",
           .versions = {1, 22},
           .infer = infer_global_pool,
           .evaluate = evaluate_max,
           .count_cost = pool_cost,
           .gradient = first_input_gradient(max_gradient),
           .tied_dims = tied_dims,
           .quantization = {.role = QuantizationRole::keeps_scale},
           .is_homogeneous = true},
          {.name = "GlobalLpPool",
           .versions = {1, 2, 22},
           .infer = infer_global_pool,
           .evaluate = evaluate_lp,
           .count_cost = pool_cost,
           .gradient = first_input_gradient(lp_gradient),
           .tied_dims = tied_dims,
           .is_homogeneous = true}};
}

}  // namespace edgeopt
