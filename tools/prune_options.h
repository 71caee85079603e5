// What may be left of a model, as it is written on the command line; for `prune` and `optimize`.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "recipes/block_removal.h"
#include "recipes/prune.h"
#include "tools/command.h"

namespace CLI {
class App;
}

namespace edgeopt {

void declare_block_options(CLI::App& app, BlockChoice& blocks);

/// throws  UserError if blocks shall go, but `keep` names no budget
void require_budget(const BlockChoice& blocks, const std::string& keep);

/// `--keep auto` of `optimize`: as much as goals leave.
inline constexpr std::string_view share_of_goals = "auto";

/// "macs=0.5", "params=0.5" or "latency=0.5".
/// throws  UserError for anything else
ChannelBudget channel_budget(const std::string& keep);

/// Pruning to a budget that leaves the weights of these nodes, and blocks that hold one of them, alone.
PruneOptions prune_within(const ChannelBudget& budget, const BlockChoice& blocks,
                          const std::vector<std::string>& excluded, const RunContext& context);

}  // namespace edgeopt
