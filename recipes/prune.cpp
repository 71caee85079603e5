#include "recipes/prune.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/remove_channels.h"

namespace edgeopt {
namespace {

constexpr std::int64_t compared_sample_count = 2;

// Passes merge equal biases of layers that have nothing to do with each other; only where each layer has its
// own can one of them shrink.
Graph with_own_vectors(const Graph& graph) {
  Edit edit(graph);
  for (const ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (!value.constant || value.constant->rank() != 1 || value.is_input) continue;
    const std::vector<Use> uses(graph.uses(id).begin(), graph.uses(id).end());
    for (std::size_t i = 1; i < uses.size(); ++i)
      if (uses[i].input_index >= 0)
        edit.set_input(uses[i].node, static_cast<std::size_t>(uses[i].input_index),
                       edit.add_constant(*value.constant, value.name));
  }
  return edit.apply();
}

[[noreturn]] void reject(const std::vector<KeptLayer>& kept) {
  constexpr std::size_t shown = 3;
  std::string reasons;
  for (std::size_t i = 0; i < std::min(shown, kept.size()); ++i)
    reasons += fmt::format("{}{} '{}': {}", reasons.empty() ? "" : "; ", kept[i].op_type, kept[i].node,
                           kept[i].reason);
  throw NothingToPrune("no channel can be removed: " +
                       (reasons.empty() ? std::string("no layer has weights that are constant") : reasons));
}

CostChange change_of(const Graph& original, const Graph& result, CostKind kind, std::int64_t multiple) {
  return {cost_of(original, kind, multiple), cost_of(result, kind, multiple)};
}

std::vector<ChannelUnit> chosen_units(const std::vector<ChannelGroup>& groups,
                                      const std::vector<ChannelRanking>& rankings,
                                      const ChannelChoice& choice) {
  std::vector<ChannelUnit> units;
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (std::size_t i = 0; i < static_cast<std::size_t>(choice.removed_counts[g]); ++i)
      units.push_back(groups[g].units[rankings[g].order[i]]);
  return units;
}

FuseOutcome prepare(const Graph& model, std::uint64_t seed) {
  const ComparisonSet comparison = comparison_on_random(model, compared_sample_count, seed);
  FuseOutcome fused = fuse_model(model, named_pipeline("fuse"), comparison);
  fused.graph = with_own_vectors(with_inferred_types(fused.graph));
  return fused;
}

}  // namespace

PrunedModel prune_model(const Graph& model, const std::optional<SampleSource>& samples,
                        const PruneOptions& options) {
  PrunedModel result{.fused = prepare(model, options.seed)};
  const Graph& prepared = result.fused.graph;
  ChannelGroups found = find_channel_groups(prepared, options.excluded);
  if (found.groups.empty()) reject(found.kept);

  const std::vector<ChannelRanking> rankings = rank_channels(prepared, found.groups, options.importance);
  const ChannelChoice choice = choose_channels(prepared, found.groups, rankings, options.budget);
  result.graph = remove_channels(prepared, chosen_units(found.groups, rankings, choice));

  const std::int64_t multiple = options.budget.channel_multiple;
  result.multiply_adds = change_of(prepared, result.graph, CostKind::multiply_adds, multiple);
  result.parameters = change_of(prepared, result.graph, CostKind::parameters, multiple);
  result.latency = change_of(prepared, result.graph, CostKind::latency, multiple);
  result.meets_budget = choice.meets_budget();
  for (std::size_t g = 0; g < found.groups.size(); ++g)
    result.groups.push_back({.name = found.groups[g].name,
                             .channel_count = std::ssize(found.groups[g].units),
                             .removed_count = choice.removed_counts[g]});
  result.kept = std::move(found.kept);
  if (samples) result.judgement = judge_models(model, result.graph, *samples, {.seed = options.seed});
  result.prepared = prepared;
  return result;
}

}  // namespace edgeopt
