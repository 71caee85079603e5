#include "recipes/sparsify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "recipes/bit_assignment.h"
#include "recipes/optimize.h"
#include "recipes/prune.h"

namespace edgeopt {
namespace {

[[noreturn]] void reject(const std::vector<DenseLayer>& left_alone) {
  constexpr std::size_t shown = 3;
  std::string reasons;
  for (std::size_t i = 0; i < std::min(shown, left_alone.size()); ++i)
    reasons += fmt::format("{}{} '{}': {}", reasons.empty() ? "" : "; ", left_alone[i].op_type,
                           left_alone[i].node, left_alone[i].reason);
  throw NothingToSparsify(
      "no layer can be made sparse: " +
      (reasons.empty() ? std::string("no layer has weights that are constant") : reasons));
}

// Damage hardly changes with more samples; shares are tried for many layers.
constexpr std::int64_t balancing_sample_count = 200;
constexpr double knapsack_grain = 1.0 / 50'000;  // recipes/bit_assignment.cpp
constexpr double tried_shares[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95};

// The knapsack: what layers lose is least in sum while their weights that are left fit into the share.
std::map<std::string, double> balanced_shares(const Graph& model, const SampleSource& samples,
                                              const SparsifyOptions& options) {
  std::vector<double> shares(std::begin(tried_shares), std::end(tried_shares));
  shares.push_back(options.pattern.share);
  SparsifyOptions few = options;
  few.limits.largest_sample_count = balancing_sample_count;
  const std::vector<std::vector<double>> damages = sparsity_damages(model, samples, few, shares);
  const SparseCandidates candidates = sparse_candidates(model, options);
  std::vector<std::vector<LayerChoice>> layers;
  std::vector<std::string> names;
  double budget = 0;
  for (std::size_t k = 0; k < damages.size(); ++k) {
    if (damages[k].empty()) continue;
    const Node& node = model.node(candidates.layers[k]);
    const Tensor weight = model.constant(node.inputs[1]).value();
    const auto count = static_cast<double>(weight.element_count());
    const auto gone = static_cast<double>(std::ranges::count(weight.data<float>(), 0.0f));
    names.push_back(model.name_of(node.outputs[0]));
    std::vector<LayerChoice>& choices = layers.emplace_back();
    for (std::size_t i = 0; i < shares.size(); ++i)
      choices.push_back(
          {.value = damages[k][i], .weight = count - std::max(gone, std::round(count * shares[i]))});
    budget += choices.back().weight;
  }
  // The knapsack rounds up large weights; uniform shares must fit all the same.
  budget *= 1 + knapsack_grain * static_cast<double>(layers.size());
  const auto chosen = assign_choices(layers, budget);
  std::map<std::string, double> result;
  for (std::size_t k = 0; chosen && k < names.size(); ++k) result[names[k]] = shares[(*chosen)[k]];
  return result;
}

bool can_balance(const SparsityOptions& options) {
  return options.balances && options.weights.criterion == SparsityCriterion::second_order &&
         !options.weights.pattern.is_grouped();
}

SparsityFacts facts_of(const SparseModel& model, const SparsityPattern& pattern) {
  return {.pattern = pattern, .layers = model.layers, .left_alone = model.left_alone};
}

}  // namespace

double SparsityFacts::zero_share() const {
  std::int64_t zeros = 0, all = 0;
  for (const SparseLayer& layer : layers) {
    zeros += layer.zero_count;
    all += layer.element_count;
  }
  for (const DenseLayer& layer : left_alone) all += layer.element_count;
  return all == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(all);
}

SparsifiedModel sparsify_model(const Graph& teacher, const Graph& student,
                               const std::optional<SampleSource>& samples, const SparsityOptions& options) {
  const SparseCandidates candidates = sparse_candidates(student, options.weights);
  if (candidates.layers.empty()) reject(candidates.left_alone);
  if (!samples) {
    const SparseModel sparse = with_sparse_weights(student, nullptr, options.weights);
    return {sparse.graph, facts_of(sparse, options.weights.pattern)};
  }
  const SampleSplit split = held_out(*samples);
  SparsifyOptions weights = options.weights;
  if (can_balance(options)) weights.shares = balanced_shares(student, split.calibration, weights);
  const SparseModel sparse = with_sparse_weights(student, &split.calibration, weights);
  const auto judge = [&](const Graph& graph) {
    return judge_models(teacher, graph, split.judging, {.seed = options.seed});
  };
  SparsityFacts facts = facts_of(sparse, options.weights.pattern);
  facts.caution = split.caution;
  facts.before_repair = judge(sparse.unrepaired);
  facts.after_repair = judge(sparse.graph);
  return {sparse.graph, std::move(facts)};
}

}  // namespace edgeopt
