#include "recipes/prune.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/prune/remove_channels.h"

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

// With numbers in place of the open axes of the inputs, so that every layer has its true weight in the cost.
Graph sized(const Graph& graph, std::uint64_t seed) {
  try {
    return with_inferred_types(with_runnable_sizes(graph, seed));
  } catch (const UserError&) {
    return graph;  // runs with no sizes that are tried: symbols count as 1
  }
}

std::vector<PrunedGroup> counts_of(const std::vector<ChannelGroup>& groups,
                                   const std::vector<ChannelRanking>& rankings, const ChannelChoice& choice) {
  std::vector<PrunedGroup> counts;
  for (std::size_t g = 0; g < groups.size(); ++g)
    counts.push_back({.name = groups[g].name,
                      .channel_count = std::ssize(groups[g].units),
                      .removed_count = choice.removed_counts[g],
                      .damage = rankings[g].damage[static_cast<std::size_t>(choice.removed_counts[g])]});
  return counts;
}

void describe_costs(PrunedModel& result, const Graph& prepared, const PruneOptions& options) {
  const std::int64_t multiple = options.budget.channel_multiple;
  const Graph before = sized(prepared, options.seed), after = sized(result.graph, options.seed);
  result.multiply_adds = change_of(before, after, CostKind::multiply_adds, multiple);
  result.parameters = change_of(before, after, CostKind::parameters, multiple);
  result.latency = change_of(before, after, CostKind::latency, multiple);
}

void repair_and_judge(PrunedModel& result, const PrunedPair& pair, const SampleSplit& samples,
                      const PruneOptions& options) {
  const auto judge = [&] {
    return judge_models(pair.teacher, result.graph, samples.judging, {.seed = options.seed});
  };
  result.caution = samples.caution;
  result.before_repair = judge();
  RepairedModel repaired = with_repaired_weights(pair, samples.calibration, options.repair);
  result.graph = std::move(repaired.graph);
  result.repaired = std::move(repaired.layers);
  result.after_repair = judge();
}

BlockRemoval without_blocks(const Graph& prepared, const std::optional<SampleSplit>& split,
                            const PruneOptions& options) {
  if (!options.blocks.removes_any()) return {.graph = prepared};
  if (!split) throw UserError("samples are needed to choose residual blocks; give --data");
  return remove_blocks(prepared, split->calibration, options.blocks, options.importance.progress);
}

// What may be left of the graph without blocks, so that the share is that of the whole.
ChannelBudget budget_behind(const PruneOptions& options, const Graph& prepared, const Graph& shallow) {
  ChannelBudget budget = options.budget;
  const auto cost = [&](const Graph& graph) {
    return cost_of(sized(graph, options.seed), budget.kind, budget.channel_multiple);
  };
  if (options.blocks.removes_any()) budget.keep *= cost(prepared) / cost(shallow);
  return budget;
}

}  // namespace

FuseOutcome prepare_for_pruning(const Graph& model, std::uint64_t seed) {
  const ComparisonSet comparison = comparison_on_random(model, compared_sample_count, seed);
  FuseOutcome fused = fuse_model(model, named_pipeline("fuse"), comparison);
  fused.graph = with_own_vectors(with_inferred_types(fused.graph));
  return fused;
}

PrunedModel prune_model(const Graph& model, const std::optional<SampleSource>& samples,
                        const PruneOptions& options) {
  PrunedModel result{.fused = prepare_for_pruning(model, options.seed)};
  const Graph& prepared = result.fused.graph;
  std::optional<SampleSplit> split;
  if (samples) split = held_out(*samples);
  const BlockRemoval shallow = without_blocks(prepared, split, options);
  result.blocks = shallow.removed;
  result.missing_block_count =
      options.blocks.count + std::ssize(options.blocks.names) - std::ssize(result.blocks);

  ChannelGroups found = find_channel_groups(shallow.graph, options.excluded);
  if (found.groups.empty()) reject(found.kept);
  const std::vector<ChannelRanking> rankings =
      rank_channels(shallow.graph, found.groups, split ? &split->calibration : nullptr, options.importance);
  const ChannelBudget budget = budget_behind(options, prepared, shallow.graph);
  const ChannelChoice choice =
      choose_channels(sized(shallow.graph, options.seed), found.groups, rankings, budget);
  const std::vector<ChannelUnit> units = chosen_units(found.groups, rankings, choice);
  result.graph = remove_channels(shallow.graph, units);

  result.meets_budget = choice.meets_budget();
  result.groups = counts_of(found.groups, rankings, choice);
  result.kept = std::move(found.kept);
  describe_costs(result, prepared, options);
  if (split)
    repair_and_judge(result, {prepared, result.graph, removed_indexes(units), shallow.bridged}, *split,
                     options);
  return result;
}

}  // namespace edgeopt
