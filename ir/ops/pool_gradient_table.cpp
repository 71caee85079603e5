// MaxPoolGradient(dy, x): every dy goes to the first largest element of its window.
// AveragePoolGradient(dy, x): every dy is spread evenly over its window.
// LpPoolGradient(dy, x): dy * |x|^(p-1) sign(x) / y^(p-1), nothing from a window of zeros.
// The attributes are the pool's.
#include <cmath>
#include <functional>
#include <utility>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"
#include "ir/rules/pool_rules.h"

namespace edgeopt {
namespace {

using Plane = std::span<double>;
/// Adds what one window's dy gives to the plane of dx.
using Spread = std::function<void(const PoolWindow& window, double dy, Plane dx)>;

Tensors spread_windows(const EvaluateCall& call, const Spread& spread) {
  const Tensor& x = call.inputs[1];
  const Window window = pool_window(call.attributes(), x);
  Dims wanted{x.dims()[0], x.dims()[1]};
  for (const WindowAxis& axis : window) wanted.push_back(axis.output);
  require_dims_of_result(call.inputs[0], wanted);
  const std::vector<double> dy = to_doubles(call.inputs[0]);
  const std::vector<double> elements = to_doubles(x);
  std::vector<double> dx(elements.size(), 0.0);
  const auto plane = static_cast<std::size_t>(element_count(input_dims(window)));
  std::size_t next = 0;
  for (std::size_t begin = 0; begin < elements.size(); begin += plane)
    for_each_index(output_dims(window), [&](std::span<const std::int64_t> index) {
      spread({window, std::span(elements).subspan(begin, plane), index}, dy[next++],
             Plane(dx).subspan(begin, plane));
    });
  return {from_doubles(x.dtype(), x.dims(), dx)};
}

void give_to_largest(const PoolWindow& window, double dy, Plane dx) {
  std::int64_t best = -1;
  for_each_tap(window.window, window.index, [&](std::int64_t offset) {
    if (best < 0 ||
        window.plane[static_cast<std::size_t>(offset)] > window.plane[static_cast<std::size_t>(best)])
      best = offset;
  });
  if (best >= 0) dx[static_cast<std::size_t>(best)] += dy;
}

Tensors average_gradient(const EvaluateCall& call) {
  const bool pads_count = call.attributes().get_int("count_include_pad", 0) != 0;
  return spread_windows(call, [pads_count](const PoolWindow& window, double dy, Plane dx) {
    std::int64_t count = 0;
    for_each_tap(window.window, window.index, [&](std::int64_t) { ++count; });
    if (pads_count) count = padded_tap_count(window);
    for_each_tap(window.window, window.index, [&](std::int64_t offset) {
      dx[static_cast<std::size_t>(offset)] += dy / static_cast<double>(count);
    });
  });
}

Tensors lp_gradient(const EvaluateCall& call) {
  const auto p = static_cast<double>(call.attributes().get_int("p", 2));
  return spread_windows(call, [p](const PoolWindow& window, double dy, Plane dx) {
    double sum = 0;
    const auto element = [&](std::int64_t offset) { return window.plane[static_cast<std::size_t>(offset)]; };
    for_each_tap(window.window, window.index,
                 [&](std::int64_t offset) { sum += std::pow(std::abs(element(offset)), p); });
    if (sum == 0) return;
    const double share = dy / std::pow(sum, (p - 1) / p);
    for_each_tap(window.window, window.index, [&](std::int64_t offset) {
      const double x = element(offset);
      if (x != 0)
        dx[static_cast<std::size_t>(offset)] +=
            std::copysign(share * std::pow(std::abs(x), p - 1), share * x);
    });
  });
}

OpDefinition pool_gradient(const std::string& pool, EvaluateRule evaluate) {
  return {
      .name = pool + "Gradient",
      .domain = "edgeopt",
      .required_inputs = 2,
      .infer = infer_gradient_of(pool),
      .evaluate = std::move(evaluate),
      .count_cost = [](const InferCall& call,
                       std::span<const Operand>) { return pool_cost(call, call.inputs.first(1)); },
  };
}

}  // namespace

std::vector<OpDefinition> pool_gradient_table() {
  return {
      pool_gradient("MaxPool",
                    [](const EvaluateCall& call) { return spread_windows(call, give_to_largest); }),
      pool_gradient("AveragePool", average_gradient),
      pool_gradient("LpPool", lp_gradient),
  };
}

}  // namespace edgeopt
