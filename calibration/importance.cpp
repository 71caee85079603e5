#include "calibration/importance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "ir/move_elements.h"

namespace edgeopt {
namespace {

constexpr std::array<std::pair<ImportanceMethod, std::string_view>, 1> method_names = {
    {{ImportanceMethod::magnitude, "magnitude"}}};

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

std::vector<ChannelRanking> rank_channels(const Graph& graph, std::span<const ChannelGroup> groups,
                                          const ImportanceOptions&) {
  std::vector<ChannelRanking> rankings;
  for (const ChannelGroup& group : groups)
    rankings.push_back(ranking_of_scores(relative(magnitudes(graph, group))));
  return rankings;
}

}  // namespace edgeopt
