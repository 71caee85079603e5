// LRNGradient(dy, x). With D = bias + alpha / size * (sum of x^2 over the window of each channel):
//   dx_j = dy_j D_j^-beta - 2 alpha beta / size * x_j * (sum of dy_c x_c D_c^(-beta - 1) over the windows c
//   that hold j)
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/gradient/training_ops.h"
#include "ir/infer.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Factors {
  std::int64_t size = 1;
  double alpha = 0, beta = 0, bias = 0;  // alpha already divided by the size
};

// One line of channels, one behind the other.
std::vector<double> line_gradient(const std::vector<double>& dy, const std::vector<double>& x,
                                  const Factors& factors) {
  const auto count = static_cast<std::int64_t>(x.size());
  std::vector<double> dx(x.size(), 0);
  for (std::int64_t c = 0; c < count; ++c) {
    const auto at = static_cast<std::size_t>(c);
    const std::int64_t first = std::max<std::int64_t>(0, c - (factors.size - 1) / 2);
    const std::int64_t last = std::min(count - 1, c + factors.size / 2);
    double sum = 0;
    for (std::int64_t j = first; j <= last; ++j)
      sum += x[static_cast<std::size_t>(j)] * x[static_cast<std::size_t>(j)];
    const double divisor = factors.bias + factors.alpha * sum;
    const double scale = std::pow(divisor, -factors.beta);
    const double common = 2 * factors.alpha * factors.beta * dy[at] * x[at] * scale / divisor;
    dx[at] += dy[at] * scale;
    for (std::int64_t j = first; j <= last; ++j)
      dx[static_cast<std::size_t>(j)] -= common * x[static_cast<std::size_t>(j)];
  }
  return dx;
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[1];
  require_dims_of_result(call.inputs[0], x.dims());
  const Attributes& attributes = call.attributes();
  Factors factors{.size = attributes.get_int("size", 1),
                  .alpha = attributes.get_float("alpha", 1e-4F),
                  .beta = attributes.get_float("beta", 0.75F),
                  .bias = attributes.get_float("bias", 1)};
  if (factors.size < 1) throw UserError(fmt::format("size is {}, but must be at least 1", factors.size));
  factors.alpha /= static_cast<double>(factors.size);
  const AxisLines channels = lines_along(x.dims(), 1);
  const std::vector<double> gradients = to_doubles(call.inputs[0]), elements = to_doubles(x);
  std::vector<double> result(elements.size());
  for (std::int64_t line = 0; line < channels.count; ++line) {
    const auto place = [&](std::int64_t j) {
      return static_cast<std::size_t>(channels.start(line) + j * channels.step);
    };
    std::vector<double> dy, own;
    for (std::int64_t j = 0; j < channels.length; ++j) {
      dy.push_back(gradients[place(j)]);
      own.push_back(elements[place(j)]);
    }
    const std::vector<double> dx = line_gradient(dy, own, factors);
    for (std::int64_t j = 0; j < channels.length; ++j) result[place(j)] = dx[static_cast<std::size_t>(j)];
  }
  return {from_doubles(call.inputs[0].dtype(), x.dims(), result)};
}

}  // namespace

OpDefinition lrn_gradient_op() {
  return {
      .name = "LRNGradient",
      .domain = training_domain,
      .required_inputs = 2,
      .infer = infer_gradient_like_x,
      .evaluate = evaluate,
      .count_cost =
          [](const InferCall& call, std::span<const Operand> outputs) {
            const auto size = std::clamp<std::int64_t>(call.attributes().get_int("size", 1), 1, largest_dim);
            return operations_per_output(3 * size + 4)(call, outputs);
          },
  };
}

}  // namespace edgeopt
