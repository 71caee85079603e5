// Poolings over whole planes: [N,C,...] -> [N,C,1,...]
#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/call_inputs.h"
#include "ir/pool_rules.h"

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

}  // namespace

std::vector<OpDefinition> global_pool_table() {
  return {{.name = "GlobalAveragePool",
           .versions = {1, 22},
           .infer = infer_global_pool,
           .evaluate = evaluate_average,
           .count_cost = pool_cost,
           .quantization = {.role = QuantizationRole::computes}},
          {.name = "GlobalMaxPool",
           .versions = {1, 22},
           .infer = infer_global_pool,
           .evaluate = evaluate_max,
           .count_cost = pool_cost,
           .quantization = {.role = QuantizationRole::keeps_scale}},
          {.name = "GlobalLpPool",
           .versions = {1, 2, 22},
           .infer = infer_global_pool,
           .evaluate = evaluate_lp,
           .count_cost = pool_cost}};
}

}  // namespace edgeopt
