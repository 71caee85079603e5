// (sum of |x|^p)^(1/p) of each window
#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/pool_rules.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  const Operand& input = required_input(call, 0);
  return {operand(input.type.dtype, pooled_shape(call.attributes(), input))};
}

// Opset 1 has p as a float.
double power_of(const EvaluateCall& call) {
  return call.opset < 2 ? call.attributes().get_float("p", 2)
                        : static_cast<double>(call.attributes().get_int("p", 2));
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& input = required_input(call, 0);
  const double p = power_of(call);
  return {pool(input, pool_window(call.attributes(), input), [p](const PoolWindow& window) {
    double sum = 0;
    for_each_tap(window.window, window.index, [&](std::int64_t offset) {
      sum += std::pow(std::abs(window.plane[static_cast<std::size_t>(offset)]), p);
    });
    return std::pow(sum, 1 / p);
  })};
}

// Windows lie behind the batch and the channels.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  return passing_ties(call, [](std::size_t axis) { return axis < 2; });
}

}  // namespace

OpDefinition lp_pool_op() {
  return {
      .name = "LpPool",
      .versions = {1, 2, 11, 18, 22},
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = pool_cost,
      .gradient = own_gradient_operator(),
      .tied_dims = tied_dims,
      .is_homogeneous = true,
  };
}

}  // namespace edgeopt
