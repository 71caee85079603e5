// The mean of each window; padding counts as zeros if count_include_pad, else not at all
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

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& input = required_input(call, 0);
  const bool pads_count = call.attributes().get_int("count_include_pad", 0) != 0;
  return {pool(input, pool_window(call.attributes(), input), [&](const PoolWindow& window) {
    double sum = 0;
    std::int64_t count = 0;
    for_each_tap(window.window, window.index, [&](std::int64_t offset) {
      sum += window.plane[static_cast<std::size_t>(offset)];
      ++count;
    });
    return sum / static_cast<double>(pads_count ? padded_tap_count(window) : count);
  })};
}

// Windows lie behind the batch and the channels.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  return passing_ties(call, [](std::size_t axis) { return axis < 2; });
}

}  // namespace

OpDefinition average_pool_op() {
  return {
      .name = "AveragePool",
      .versions = {1, 7, 10, 11, 19, 22},
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = pool_cost,
      .gradient = own_gradient_operator(),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::computes},
      .is_homogeneous = true,
  };
}

}  // namespace edgeopt
