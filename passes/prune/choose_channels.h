// Which channels go: the least damage for the cost that must be saved.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/channels.h"
#include "passes/prune/graph_cost.h"

namespace edgeopt {

struct ChannelBudget {
  CostKind kind = CostKind::multiply_adds;
  double keep = 0.5;                  // of the graph's cost
  std::int64_t channel_multiple = 1;  // counts that remain are multiples of it, where they were
  /// At least this share of a group stays: damage is extrapolated badly where almost nothing is left.
  double smallest_share = 0.125;
};

struct ChannelChoice {
  std::vector<std::int64_t> removed_counts;  // by group: its first units in the order of its ranking
  double damage = 0;
  double original_cost = 0;
  double cost = 0;
  bool meets_budget() const { return is_met; }
  bool is_met = false;
};

/// How many units of each group to remove so that the cost is within the budget and the summed damage small:
/// a knapsack whose weights change, since the cost of a layer is the product of its inputs and outputs.
///
/// Greedy by damage per cost, looking several units ahead (so that a bump in a damage curve hides nothing);
/// costs of neighbours are computed anew after every step. Then exchanges: a step more in one group for a
/// step less in another, while that lowers the damage within the budget.
///
/// rankings  by group
/// returns   the smallest cost that can be had if the budget is out of reach (is_met = false)
/// source    Dantzig, "Discrete-Variable Extremum Problems", 1957 (greedy by ratio)
ChannelChoice choose_channels(const Graph& graph, std::span<const ChannelGroup> groups,
                              std::span<const ChannelRanking> rankings, const ChannelBudget& budget);

}  // namespace edgeopt
