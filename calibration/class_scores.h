// The scores of classes that a model gives, as a distribution.
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// The first output of shape [N, classes, 1...] with more than one class, by its type; nothing for other
/// models.
std::optional<std::size_t> class_output_of(const Graph& graph);

/// Scores of classes along one axis, for every sample and, where there are more axes, every position.
struct ClassScores {
  ValueId value = ValueId::none;
  std::int64_t axis = 1;
};
/// What a last Softmax reads, along its axis; else the output itself if it is [N, classes, 1...]. Nothing if
/// it is neither.
std::optional<ClassScores> class_scores_at(const Graph& graph, ValueId output);

/// What a last Softmax over the classes reads, or the output itself.
ValueId scores_behind(const Graph& graph, ValueId output);
/// The values between the layer that computes the scores and the output, its own result included.
std::vector<ValueId> values_of_scores(const Graph& graph, ValueId output);
/// True if the output of that index is what a Softmax over the classes gives.
bool ends_in_softmax(const Graph& graph, std::size_t output);

std::vector<double> log_softmax(const Tensor& scores);
/// Logarithms of the probabilities of one sample: of probabilities, else of a softmax over scores.
std::vector<double> log_probabilities(const Tensor& output, bool is_probability);

/// KL(expected || found) in nats, from logarithms of probabilities.
double divergence(const std::vector<double>& expected, const std::vector<double>& found);

}  // namespace edgeopt
