#include "calibration/training/normalization_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "calibration/staged_run.h"
#include "ir/edit.h"
#include "ir/label.h"
#include "ir/saturated_counts.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::size_t mean_input = 3;
constexpr std::size_t variance_input = 4;

// Of one channel, or of a part of its elements.
struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;  // sum of (x - mean)^2
};

// source  Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
//         1979
Moments merged(const Moments& a, const Moments& b) {
  const double count = a.count + b.count;
  if (count == 0) return {};
  const double step = b.mean - a.mean;
  return {.count = count,
          .mean = a.mean + step * b.count / count,
          .squares = a.squares + b.squares + step * step * a.count * b.count / count};
}

Moments moments_of(std::span<const float> elements) {
  Moments moments{.count = static_cast<double>(elements.size())};
  for (const float element : elements) moments.mean += static_cast<double>(element) / moments.count;
  for (const float element : elements) {
    const double difference = static_cast<double>(element) - moments.mean;
    moments.squares += difference * difference;
  }
  return moments;
}

// Of x [N,C,...], per channel.
std::vector<Moments> channel_moments(const Tensor& x) {
  const auto batch = static_cast<std::size_t>(x.dims()[0]);
  const auto channels = static_cast<std::size_t>(x.dims()[1]);
  const std::span<const float> elements = x.data<float>();
  const std::size_t inner = elements.size() / std::max<std::size_t>(1, batch * channels);
  std::vector<Moments> moments(channels);
  for (std::size_t n = 0; n < batch; ++n)
    for (std::size_t c = 0; c < channels; ++c)
      moments[c] = merged(moments[c], moments_of(elements.subspan((n * channels + c) * inner, inner)));
  return moments;
}

// A layer whose statistics are constants of its own kind: floats, one per channel of x [N,C,...].
bool is_refreshable(const Graph& graph, const Node& node) {
  if (!node.is("BatchNormalization") || node.attributes.get_int("training_mode", 0) != 0) return false;
  if (node.attributes.get_int("spatial", 1) == 0 || !graph.producer(node.inputs[0])) return false;
  const auto& shape = graph.type_of(node.inputs[0]).shape;
  if (!shape || shape->size() < 2 || graph.type_of(node.inputs[0]).dtype != DataType::float32) return false;
  return std::ranges::all_of(std::vector{mean_input, variance_input}, [&](std::size_t input) {
    const std::optional<Tensor> constant = graph.constant(node.inputs[input]);
    return constant && constant->dtype() == DataType::float32;
  });
}

// Constants that other layers read too stay with them.
Graph with_statistics(const Graph& graph, const Node& node, const std::vector<Moments>& moments) {
  Tensor mean = *graph.constant(node.inputs[mean_input]);
  Tensor variance = *graph.constant(node.inputs[variance_input]);
  const auto channels = std::ssize(moments);
  if (mean.element_count() != channels || variance.element_count() != channels)
    throw UserError(fmt::format("node '{}' ({}): {} means and {} variances are given for {} channels",
                                label_of(graph, node), node.op_type, mean.element_count(),
                                variance.element_count(), channels));
  for (std::size_t c = 0; c < moments.size(); ++c) {
    if (!(moments[c].squares > 0)) continue;
    mean.mutable_data<float>()[c] = static_cast<float>(moments[c].mean);
    variance.mutable_data<float>()[c] = static_cast<float>(moments[c].squares / moments[c].count);
  }
  Edit edit(graph);
  const auto set = [&](std::size_t input, Tensor tensor) {
    edit.set_input(node.id, input, edit.add_constant(std::move(tensor), graph.name_of(node.inputs[input])));
  };
  set(mean_input, std::move(mean));
  set(variance_input, std::move(variance));
  return edit.apply();
}

// Of the values that wait for later layers: the two largest, open dims as 1.
std::int64_t waiting_bytes(const Graph& graph) {
  std::int64_t largest = 1;
  for (const ValueId id : graph.values()) {
    if (!graph.producer(id)) continue;
    if (const auto& shape = graph.type_of(id).shape)
      largest = std::max(largest, known_element_count(*shape) * static_cast<std::int64_t>(sizeof(float)));
  }
  return 2 * largest;
}

}  // namespace

Graph with_refreshed_statistics(const Graph& graph, const SampleSource& samples,
                                const StatisticsOptions& options) {
  std::vector<NodeId> layers;
  for (const NodeId id : graph.nodes())
    if (is_refreshable(graph, graph.node(id))) layers.push_back(id);
  if (layers.empty()) return graph;
  const std::int64_t affordable = options.largest_memory_bytes / waiting_bytes(graph);
  const std::int64_t count =
      std::clamp<std::int64_t>(affordable, 1, std::min(samples.count, options.largest_sample_count));
  Graph refreshed = graph;
  StagedRun run(samples, count);
  for (std::size_t k = 0; k < layers.size(); ++k) {
    std::vector<std::vector<Moments>> by_sample(static_cast<std::size_t>(count));
    run.compute(refreshed, refreshed.node(layers[k]).inputs[0], [&](std::int64_t i, const Tensor& x) {
      by_sample[static_cast<std::size_t>(i)] = channel_moments(x);
    });
    std::vector<Moments> total = by_sample[0];
    for (std::size_t i = 1; i < by_sample.size(); ++i)
      for (std::size_t c = 0; c < total.size(); ++c) total[c] = merged(total[c], by_sample[i][c]);
    refreshed = with_statistics(refreshed, refreshed.node(layers[k]), total);
    report_progress(options.progress, "refreshing statistics", static_cast<std::int64_t>(k) + 1,
                    static_cast<std::int64_t>(layers.size()));
  }
  return refreshed;
}

}  // namespace edgeopt
