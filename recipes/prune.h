// Structured pruning as a recipe: fuse, find channels, rank, choose under a budget, remove, repair. What
// `edgeopt prune` runs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibration/pruning/importance.h"
#include "calibration/pruning/repair.h"
#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "passes/prune/channel_groups.h"
#include "passes/prune/choose_channels.h"
#include "recipes/block_removal.h"
#include "recipes/fuse.h"
#include "recipes/judging.h"
#include "recipes/sample_split.h"
#include "support/error.h"

namespace edgeopt {

/// No channel of the model can be removed; the message gives the reasons.
class NothingToPrune : public UserError {
 public:
  using UserError::UserError;
};

struct PruneOptions {
  ChannelBudget budget;
  ImportanceOptions importance;
  RepairOptions repair;
  std::vector<std::string> excluded = {};  // nodes whose weights stay, by name or name of output
  BlockChoice blocks = {};                 // residual blocks that go before any channel
  std::uint64_t seed = 1;
};

/// A cost of the fused model and of the pruned one.
struct CostChange {
  double original = 0;
  double result = 0;
};

struct PrunedGroup {
  std::string name;
  std::int64_t channel_count = 0;
  std::int64_t removed_count = 0;
  double damage = 0;  // by the importance's figures, of what was removed
};

struct PrunedModel {
  Graph graph;
  FuseOutcome fused;                     // fused and not pruned: the teacher of whoever trains the result
  std::vector<RemovedBlock> blocks;      // residual blocks that are gone, in the order in which they went
  std::int64_t missing_block_count = 0;  // so many more were to go, but there are none left
  std::vector<PrunedGroup> groups;
  std::vector<KeptLayer> kept;  // layers left alone, wholly or partly, and why
  CostChange multiply_adds, parameters, latency;
  bool meets_budget = false;
  std::vector<RepairedLayer> repaired;
  // On samples that neither ranked nor repaired, where there are enough; else on all, which `caution` says.
  std::optional<Judgement> before_repair, after_repair;
  std::string caution;
};

/// The model fused, each layer with a bias of its own.
FuseOutcome prepare_for_pruning(const Graph& model, std::uint64_t seed);

/// The model without the channels that matter least, the layers behind them repaired.
///
/// model    float, any opset
/// samples  real samples of the model's inputs; without them only what needs none can rank, and nothing is
///          repaired or judged
/// returns  the same bytes for the same inputs and options, at any thread count; if the budget is out of
/// reach,
///          the smallest result there is
/// throws   NothingToPrune
PrunedModel prune_model(const Graph& model, const std::optional<SampleSource>& samples,
                        const PruneOptions& options);

}  // namespace edgeopt
