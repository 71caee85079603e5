// How much of a model may stay so that what comes of it meets its goals of size and latency: found by pruning
// to a share and looking, a few times, with ever more residual blocks taken out where time is the goal.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recipes/prune.h"

namespace edgeopt {

/// One share that was tried.
struct ShareTrial {
  std::int64_t block_count = 0;  // residual blocks that were taken out
  double keep = 1;               // what stayed of the budget's cost
  /// The worst of the goals: what came of it over what it may be. At most 1 where all hold.
  double excess = 0;
  /// Of the repaired model on samples held out: the divergence of classes in nats; without classes minus the
  /// SQNR in dB. 0 before anything was taken out.
  double damage = 0;

  bool holds() const { return excess <= 1; }
};

struct ShareSearch {
  std::vector<ShareTrial> trials;     // in the order of trying, the first with all channels
  std::size_t chosen = 0;             // of the trials
  std::optional<PrunedModel> pruned;  // that trial's; nothing: the model as it is, which meets the goals or
                                      // comes closest to them
};

/// The share to try next; nothing: the best one so far is good enough, or the tries are used up.
///
/// trials  behind the same blocks, not empty, the first with all channels; no two of one share
std::optional<double> next_share(const std::vector<ShareTrial>& trials);

/// The one of least damage of those in which the goals hold; if they never do, what comes closest to them.
///
/// trials  not empty
std::size_t best_trial(const std::vector<ShareTrial>& trials);

/// Shares are tried for the blocks that the options take out anyhow; if the budget is one of time, also for
/// up to three blocks more, until blocks alone are enough.
///
/// model      float
/// options    the share of its budget is what is looked for
/// excess_of  a float graph, pruned or not, to the worst of its goals once it is quantized
/// throws     NothingToPrune
ShareSearch search_share(const Graph& model, const SampleSource& samples, const PruneOptions& options,
                         const std::function<double(const Graph&)>& excess_of);

/// What was found, for people: how many ways were tried and what the one taken leaves, or why none was.
std::string sentence_of(const ShareSearch& search, CostKind kind);

}  // namespace edgeopt
