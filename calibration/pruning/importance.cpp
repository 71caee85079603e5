#include "calibration/pruning/importance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "calibration/pruning/gradient_importance.h"
#include "calibration/pruning/reconstruction.h"
#include "calibration/pruning/reconstruction_ranking.h"
#include "ir/rules/move_elements.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::array<std::pair<ImportanceMethod, std::string_view>, 6> method_names = {
    {{ImportanceMethod::reconstruction, "reconstruction"},
     {ImportanceMethod::magnitude, "magnitude"},
     {ImportanceMethod::activation, "activation"},
     {ImportanceMethod::taylor, "taylor"},
     {ImportanceMethod::fisher, "fisher"},
     {ImportanceMethod::median, "median"}}};

// The sum of squares of every index of one axis.
std::vector<double> energy_along(const Tensor& tensor, std::size_t axis) {
  const std::vector<double> elements = to_doubles(tensor);
  std::vector<double> energy(static_cast<std::size_t>(tensor.dims()[axis]), 0.0);
  const auto inner = static_cast<std::size_t>(strides_of(tensor.dims())[axis]);
  for (std::size_t i = 0; i < elements.size(); ++i)
    energy[i / inner % energy.size()] += elements[i] * elements[i];
  return energy;
}

// Of the weights (constants of two and more dims) alone: biases and scales have other units.
std::vector<double> magnitudes(const Graph& graph, const ChannelGroup& group) {
  std::vector<double> squares(group.units.size(), 0.0);
  for (const ValueDim& dim : group.dims) {
    const std::optional<Tensor> constant = graph.constant(dim.value);
    if (!constant || constant->rank() < 2 || !is_floating_point(constant->dtype())) continue;
    const std::vector<double> energy = energy_along(*constant, static_cast<std::size_t>(dim.axis));
    for (std::size_t u = 0; u < group.units.size(); ++u)
      for (const DimIndex& member : group.units[u])
        if (member.dim == dim) squares[u] += energy[static_cast<std::size_t>(member.index)];
  }
  for (double& square : squares) square = std::sqrt(square);
  return squares;
}

// Summed distances of each unit's weights from those of all others, in the layers that compute it.
std::vector<double> distances(const Graph& graph, const ChannelGroup& group) {
  std::vector<std::vector<double>> weights(group.units.size());
  for (const ValueDim& dim : group.dims) {
    const std::optional<Tensor> constant = graph.constant(dim.value);
    if (!constant || constant->rank() < 2 || !is_floating_point(constant->dtype())) continue;
    const std::vector<double> elements = to_doubles(*constant);
    const auto inner = strides_of(constant->dims())[static_cast<std::size_t>(dim.axis)];
    const std::int64_t size = constant->dims()[static_cast<std::size_t>(dim.axis)];
    for (std::size_t u = 0; u < group.units.size(); ++u)
      for (std::size_t i = 0; i < elements.size(); ++i)
        if (std::ranges::binary_search(group.units[u],
                                       DimIndex{dim, static_cast<std::int64_t>(i) / inner % size}))
          weights[u].push_back(elements[i]);
  }
  std::vector<double> sums(group.units.size(), 0.0);
  for (std::size_t u = 0; u < sums.size(); ++u)
    for (std::size_t v = 0; v < sums.size(); ++v) {
      double square = 0;
      for (std::size_t i = 0; i < weights[u].size(); ++i)
        square += std::pow(weights[u][i] - weights[v][i], 2);
      sums[u] += std::sqrt(square);
    }
  return sums;
}

// Energy of the unit's inputs times that of the weights on them, in the layers that read it.
std::vector<double> energies(const Graph& graph, const ChannelGroup& group,
                             std::span<const LayerStatistics* const> readers) {
  std::vector<double> scores(group.units.size(), 0.0);
  for (const LayerStatistics* reader : readers)
    for (std::size_t g = 0; g < reader->matrices.size(); ++g) {
      const WeightedLayer& layer = reader->layer;
      const std::vector<double> weights =
          weights_of(layer, *graph.constant(layer.weight), static_cast<std::int64_t>(g));
      std::vector<double> energy(static_cast<std::size_t>(layer.features), 0.0);
      for (std::size_t i = 0; i < weights.size(); ++i)
        energy[i / static_cast<std::size_t>(layer.outputs)] += weights[i] * weights[i];
      for (std::size_t u = 0; u < scores.size(); ++u)
        for (const DimIndex& member : group.units[u])
          for (std::int64_t t = 0; member.dim == layer.input_channels && t < layer.taps; ++t) {
            const std::int64_t k = member.index * layer.taps + t;
            scores[u] += energy[static_cast<std::size_t>(k)] * reader->matrices[g].gram(k, k);
          }
    }
  return scores;
}

// Divided by the mean: norms of layers with other sizes and scales become comparable.
std::vector<double> relative(std::vector<double> scores) {
  const double mean = std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
  for (double& score : scores) score = mean == 0 ? 0 : score / mean;
  return scores;
}

}  // namespace

std::string_view name_of(ImportanceMethod method) {
  return std::ranges::find(method_names, method, &std::pair<ImportanceMethod, std::string_view>::first)
      ->second;
}

std::optional<ImportanceMethod> importance_method_named(std::string_view name) {
  for (const auto& [method, known] : method_names)
    if (known == name) return method;
  return std::nullopt;
}

std::vector<std::string_view> importance_method_names() {
  std::vector<std::string_view> names;
  names.reserve(method_names.size());
  for (const auto& [method, name] : method_names) names.push_back(name);
  return names;
}

ChannelRanking ranking_of_scores(const std::vector<double>& scores) {
  ChannelRanking ranking{.order = std::vector<std::size_t>(scores.size()), .damage = {0.0}};
  std::iota(ranking.order.begin(), ranking.order.end(), std::size_t{0});
  std::ranges::stable_sort(ranking.order, {}, [&](std::size_t u) { return scores[u]; });
  for (const std::size_t u : ranking.order) ranking.damage.push_back(ranking.damage.back() + scores[u]);
  return ranking;
}

bool needs_samples(ImportanceMethod method) {
  return method != ImportanceMethod::magnitude && method != ImportanceMethod::median;
}

std::vector<ChannelRanking> rank_channels(const Graph& graph, std::span<const ChannelGroup> groups,
                                          const SampleSource* samples, const ImportanceOptions& options) {
  if (needs_samples(options.method) && !samples)
    throw UserError(
        fmt::format("importance '{}' needs samples; give some, or choose another", name_of(options.method)));
  if (options.method == ImportanceMethod::reconstruction)
    return rank_by_reconstruction(graph, groups, *samples, options);
  std::vector<ChannelRanking> rankings;
  if (options.method == ImportanceMethod::taylor || options.method == ImportanceMethod::fisher) {
    for (const std::vector<double>& scores : gradient_scores(graph, groups, *samples, options))
      rankings.push_back(ranking_of_scores(scores));
    return rankings;
  }
  std::vector<LayerStatistics> layers;
  if (options.method == ImportanceMethod::activation)
    layers = input_statistics(graph, groups, *samples, options);
  for (const ChannelGroup& group : groups) {
    std::vector<double> scores = magnitudes(graph, group);
    if (options.method == ImportanceMethod::median) scores = distances(graph, group);
    if (options.method == ImportanceMethod::activation && !readers_of(group, layers).empty())
      scores = energies(graph, group, readers_of(group, layers));
    rankings.push_back(ranking_of_scores(relative(std::move(scores))));
  }
  return rankings;
}

}  // namespace edgeopt
