#include "calibration/class_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/op.h"

namespace edgeopt {
namespace {

const Node* reshape_before(const Graph& graph, ValueId value) {
  const Node* node = graph.producer(value);
  return node && keeps_element_order(*node) ? node : nullptr;
}

// Behind it only reshapes follow up to the output.
const Node* last_softmax(const Graph& graph, ValueId output) {
  ValueId value = output;
  while (const Node* node = reshape_before(graph, value)) value = node->inputs[0];
  return graph.producer(value, "Softmax");
}

// Along which axis a Softmax normalizes; nothing if the rank is not known.
std::optional<std::int64_t> axis_of(const Graph& graph, const Node& softmax) {
  const std::optional<Shape>& shape = graph.type_of(softmax.inputs[0]).shape;
  if (!shape || shape->size() < 2) return std::nullopt;
  constexpr std::int64_t opset_of_last_axis = 13;  // before, axis 1 was the default
  const std::int64_t axis = softmax.attributes.get_int("axis", graph.opset() < opset_of_last_axis ? 1 : -1);
  return axis < 0 ? axis + static_cast<std::int64_t>(shape->size()) : axis;
}

bool is_row_of_classes(const ValueType& type) {
  if (!is_floating_point(type.dtype) || !type.shape || type.shape->size() < 2) return false;
  const Shape& shape = *type.shape;
  const bool is_flat =
      std::all_of(shape.begin() + 2, shape.end(), [](const Dim& dim) { return dim.size == 1; });
  return is_flat && (!shape[1].is_number() || shape[1].size > 1);
}

}  // namespace

std::optional<ClassScores> class_scores_at(const Graph& graph, ValueId output) {
  if (const Node* softmax = last_softmax(graph, output))
    if (const auto axis = axis_of(graph, *softmax)) return ClassScores{softmax->inputs[0], *axis};
  if (is_row_of_classes(graph.type_of(output))) return ClassScores{.value = output};
  return std::nullopt;
}

std::optional<std::size_t> class_output_of(const Graph& graph) {
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const ValueType& type = graph.type_of(graph.outputs()[i]);
    if (!is_row_of_classes(type)) continue;
    const Dim& samples = (*type.shape)[0];
    if (!samples.is_number() || samples.size == 1) return i;
  }
  return std::nullopt;
}

ValueId scores_behind(const Graph& graph, ValueId output) {
  const Node* softmax = last_softmax(graph, output);
  return softmax && axis_of(graph, *softmax) == 1 ? softmax->inputs[0] : output;
}

std::vector<double> log_softmax(const Tensor& scores) {
  std::vector<double> logs = to_doubles(scores);
  const double largest = *std::ranges::max_element(logs);
  double sum = 0;
  for (const double score : logs) sum += std::exp(score - largest);
  for (double& score : logs) score -= largest + std::log(sum);
  return logs;
}

std::vector<ValueId> values_of_scores(const Graph& graph, ValueId output) {
  std::vector<ValueId> values = {scores_behind(graph, output)};
  while (const Node* node = reshape_before(graph, values.back())) values.push_back(node->inputs[0]);
  return values;
}

bool ends_in_softmax(const Graph& graph, std::size_t output) {
  return scores_behind(graph, graph.outputs()[output]) != graph.outputs()[output];
}

std::vector<double> log_probabilities(const Tensor& output, bool is_probability) {
  if (!is_probability) return log_softmax(output);
  std::vector<double> logs = to_doubles(output);
  // Float underflows to 0 where the logarithm is finite still.
  for (double& p : logs) p = std::log(std::max(p, double{std::numeric_limits<float>::denorm_min()}));
  return logs;
}

double divergence(const std::vector<double>& expected, const std::vector<double>& found) {
  double sum = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) sum += std::exp(expected[i]) * (expected[i] - found[i]);
  return std::max(sum, 0.0);
}

}  // namespace edgeopt
