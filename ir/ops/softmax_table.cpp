// Softmax: y = exp(x - m) / sum(exp(x - m)), m = max(x), along an axis; LogSoftmax its logarithm; Hardmax 1
// at the first maximum. Below opset 13 all dims from the axis on count as one.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

using LineFunction = void (*)(std::vector<double>& line);

double largest(const std::vector<double>& line) { return *std::ranges::max_element(line); }

double exponential_sum(const std::vector<double>& line, double shift) {
  double total = 0;
  for (const double x : line) total += std::exp(x - shift);
  return total;
}

void softmax(std::vector<double>& line) {
  const double shift = largest(line);
  const double total = exponential_sum(line, shift);
  for (double& x : line) x = std::exp(x - shift) / total;
}

void log_softmax(std::vector<double>& line) {
  const double shift = largest(line);
  const double log_total = std::log(exponential_sum(line, shift));
  for (double& x : line) x = x - shift - log_total;
}

void hardmax(std::vector<double>& line) {
  const auto best = std::ranges::max_element(line) - line.begin();
  std::ranges::fill(line, 0);
  line[static_cast<std::size_t>(best)] = 1;
}

AxisLines softmax_lines(const EvaluateCall& call) {
  const Dims& dims = call.inputs[0].dims();
  if (call.opset >= 13) return lines_along(dims, call.attributes().get_int("axis", -1));
  const std::int64_t axis = call.attributes().get_int("axis", 1);
  // An axis equal to the rank leaves lines of one element.
  const auto first =
      axis == static_cast<std::int64_t>(dims.size()) ? axis : normalize_axis(axis, dims.size());
  const std::span<const std::int64_t> all(dims);
  return {.count = element_count(all.first(static_cast<std::size_t>(first))),
          .length = element_count(all.subspan(static_cast<std::size_t>(first)))};
}

Tensors evaluate(const EvaluateCall& call, LineFunction f) {
  const AxisLines lines = softmax_lines(call);
  std::vector<double> elements = to_doubles(call.inputs[0]);
  std::vector<double> line(static_cast<std::size_t>(lines.length));
  for (std::int64_t i = 0; i < lines.count && lines.length > 0; ++i) {
    const auto index = [&](std::size_t j) {
      return static_cast<std::size_t>(lines.start(i) + static_cast<std::int64_t>(j) * lines.step);
    };
    for (std::size_t j = 0; j < line.size(); ++j) line[j] = elements[index(j)];
    f(line);
    for (std::size_t j = 0; j < line.size(); ++j) elements[index(j)] = line[j];
  }
  return {from_doubles(call.inputs[0].dtype(), call.inputs[0].dims(), elements)};
}

// What is summed over stays: below opset 13 everything from the axis on.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  const std::size_t rank = call.inputs[0].shape().size();
  const std::int64_t given = call.attributes().get_int("axis", call.opset >= 13 ? -1 : 1);
  const auto along = static_cast<std::size_t>(given < 0 ? given + static_cast<std::int64_t>(rank) : given);
  const bool is_line = call.opset >= 13;
  return passing_ties(call, [&](std::size_t axis) { return is_line ? axis != along : axis < along; });
}

OpDefinition line_op(std::string name, LineFunction f, std::int64_t operations) {
  return {
      .name = std::move(name),
      .versions = {1, 11, 13},
      .infer = same_shape_as_input,
      .evaluate = [f](const EvaluateCall& call) { return evaluate(call, f); },
      .count_cost = operations_per_output(operations),
      .tied_dims = tied_dims,
  };
}

// dx = <operator>Gradient(dy, y)
std::vector<ValueId> gradient(const GradientCall& call) {
  return {emit_training(call, call.node.op_type + "Gradient",
                        {call.output_gradients[0], call.node.outputs[0]}, call.attributes())};
}

OpDefinition quantizable(OpDefinition op) {
  op.quantization.role = QuantizationRole::computes;
  return op;
}

}  // namespace

std::vector<OpDefinition> softmax_table() {
  return {
      differentiable(quantizable(line_op("Softmax", softmax, 4)), gradient),
      differentiable(line_op("LogSoftmax", log_softmax, 5), gradient),
      line_op("Hardmax", hardmax, 1),
  };
}

}  // namespace edgeopt
