// Along each line, for y = Softmax(x): dx = y * (dy - sum(dy * y)); for y = LogSoftmax(x): dx = dy - exp(y) *
// sum(dy). In training graphs.
#include <cmath>
#include <string>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

/// One line of dy, which becomes that of dx, and of y.
using LineFunction = void (*)(std::vector<double>& dy, const std::vector<double>& y);

void softmax(std::vector<double>& dy, const std::vector<double>& y) {
  double dot = 0;
  for (std::size_t i = 0; i < y.size(); ++i) dot += dy[i] * y[i];
  for (std::size_t i = 0; i < y.size(); ++i) dy[i] = y[i] * (dy[i] - dot);
}

void log_softmax(std::vector<double>& dy, const std::vector<double>& y) {
  double sum = 0;
  for (const double each : dy) sum += each;
  for (std::size_t i = 0; i < y.size(); ++i) dy[i] -= std::exp(y[i]) * sum;
}

Tensors evaluate(const EvaluateCall& call, LineFunction f) {
  const Dims& dims = call.inputs[1].dims();
  require_dims_of_result(call.inputs[0], dims);
  const AxisLines lines = lines_along(dims, call.attributes().get_int("axis", -1));
  const std::vector<double> dy = to_doubles(call.inputs[0]), y = to_doubles(call.inputs[1]);
  std::vector<double> dx(y.size());
  std::vector<double> dy_line(static_cast<std::size_t>(lines.length)), y_line = dy_line;
  for (std::int64_t i = 0; i < lines.count && lines.length > 0; ++i) {
    const auto index = [&](std::size_t j) {
      return static_cast<std::size_t>(lines.start(i) + static_cast<std::int64_t>(j) * lines.step);
    };
    for (std::size_t j = 0; j < y_line.size(); ++j) {
      dy_line[j] = dy[index(j)];
      y_line[j] = y[index(j)];
    }
    f(dy_line, y_line);
    for (std::size_t j = 0; j < y_line.size(); ++j) dx[index(j)] = dy_line[j];
  }
  return {from_doubles(call.inputs[0].dtype(), dims, dx)};
}

OpDefinition gradient_of(const std::string& op_type, LineFunction f) {
  return {
      .name = op_type + "Gradient",
      .domain = training_domain,
      .required_inputs = 2,
      .infer = infer_gradient_like_x,
      .evaluate = [f](const EvaluateCall& call) { return evaluate(call, f); },
      .count_cost = operations_per_output(4),
  };
}

}  // namespace

std::vector<OpDefinition> softmax_gradient_table() {
  return {gradient_of("Softmax", softmax), gradient_of("LogSoftmax", log_softmax)};
}

}  // namespace edgeopt
