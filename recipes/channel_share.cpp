#include "recipes/channel_share.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace edgeopt {
namespace {

// Size and latency are almost linear in the share, so the second or third guess is close.
constexpr std::ptrdiff_t most_trials = 6;
// Each count of blocks costs as many trials again.
constexpr std::int64_t most_further_blocks = 3;
// Channels go in whole multiples, so no share meets a goal exactly: this close below it is enough.
constexpr double good_enough = 0.93;
// Aimed at the middle of what is good enough.
constexpr double target = (1 + good_enough) / 2;
// Where nothing is known but the way from one share to the next, guesses go no further than this.
constexpr double largest_step = 0.4;
// An eighth of every group stays (ChannelBudget), so of the product of inputs and outputs about a 64th.
constexpr double smallest_share = 0.02;
// Closer guesses would often take the same channels.
constexpr double smallest_step = 0.97;

// Where the line through both is at the target.
double crossing(const ShareTrial& a, const ShareTrial& b) {
  const double slope = (b.excess - a.excess) / (b.keep - a.keep);
  return slope > 0 ? a.keep + (target - a.excess) / slope : 0;
}

// Null if none does.
const ShareTrial* largest_that_holds(const std::vector<ShareTrial>& trials) {
  const ShareTrial* best = nullptr;
  for (const ShareTrial& trial : trials)
    if (trial.holds() && (!best || trial.keep > best->keep)) best = &trial;
  return best;
}

const ShareTrial& smallest_that_fails(const std::vector<ShareTrial>& trials) {
  const ShareTrial* best = &trials.front();
  for (const ShareTrial& trial : trials)
    if (!trial.holds() && trial.keep < best->keep) best = &trial;
  return *best;
}

double damage_of(const PrunedModel& pruned) {
  if (!pruned.after_repair) return 0;
  const Metric* divergence = pruned.after_repair->find("divergence");
  if (divergence && divergence->result) return divergence->result->value;
  const Metric* sqnr = pruned.after_repair->find("sqnr");
  return sqnr && sqnr->result ? -sqnr->result->value : 0;
}

class Search {
 public:
  Search(const Graph& model, const SampleSource& samples, const PruneOptions& options,
         const std::function<double(const Graph&)>& excess_of)
      : model_(model), samples_(samples), options_(options), excess_of_(excess_of) {}

  ShareSearch run() {
    if (!options_.blocks.removes_any()) {
      found_.trials.push_back({.excess = excess_of_(model_)});
      if (found_.trials.front().holds()) return std::move(found_);
      try_shares(options_, found_.trials);
    } else if (!try_blocks(0)) {
      return std::move(found_);
    }
    if (options_.budget.kind == CostKind::latency)
      for (std::int64_t further = 1; further <= most_further_blocks; ++further)
        if (!try_blocks(further)) break;
    return std::move(found_);
  }

 private:
  // Channels behind so many blocks more than the options take; false if more blocks have no point.
  bool try_blocks(std::int64_t further) {
    PruneOptions options = options_;
    options.blocks.count += further;
    const ShareTrial whole = tried(options, 1);
    const bool has_all = whole.block_count == options.blocks.count + std::ssize(options.blocks.names);
    if (!has_all && further > 0) {
      // There is no other block: this was tried before.
      if (found_.chosen + 1 != found_.trials.size()) found_.trials.pop_back();
      return false;
    }
    try_shares(options, {whole});
    return has_all && !whole.holds();
  }

  void try_shares(const PruneOptions& options, std::vector<ShareTrial> trials) {
    while (const std::optional<double> keep = next_share(trials)) {
      const ShareTrial trial = tried(options, *keep);
      const bool is_new = std::ranges::find(trials, trial.keep, &ShareTrial::keep) == trials.end();
      trials.push_back(trial);
      if (!is_new || (is_smallest_ && !trial.holds())) break;
    }
  }

  double share_of(const PrunedModel& pruned) const {
    const bool is_time = options_.budget.kind == CostKind::latency;
    const CostChange& cost = is_time ? pruned.latency : pruned.parameters;
    return cost.result / cost.original;
  }

  ShareTrial tried(PruneOptions options, double keep) {
    options.budget.keep = keep;
    PrunedModel pruned = prune_model(model_, samples_, options);
    is_smallest_ = !pruned.meets_budget;
    const ShareTrial trial{.block_count = std::ssize(pruned.blocks),
                           .keep = share_of(pruned),
                           .excess = excess_of_(pruned.graph),
                           .damage = damage_of(pruned)};
    found_.trials.push_back(trial);
    if (best_trial(found_.trials) == found_.trials.size() - 1) {
      found_.chosen = found_.trials.size() - 1;
      found_.pruned = std::move(pruned);
    }
    return trial;
  }

  const Graph& model_;
  const SampleSource& samples_;
  const PruneOptions& options_;  // as asked
  const std::function<double(const Graph&)>& excess_of_;
  bool is_smallest_ = false;  // of the last trial: no channel is left to take
  ShareSearch found_;
};

}  // namespace

std::optional<double> next_share(const std::vector<ShareTrial>& trials) {
  if (trials.front().holds() || std::ssize(trials) >= most_trials) return std::nullopt;
  const ShareTrial* below = largest_that_holds(trials);
  const ShareTrial& above = smallest_that_fails(trials);
  if (below) {
    if (below->excess >= good_enough) return std::nullopt;
    const double span = above.keep - below->keep;
    // Away from both ends, so that every try narrows the span.
    return std::clamp(crossing(*below, above), below->keep + 0.1 * span, above.keep - 0.1 * span);
  }
  if (smallest_step * above.keep < smallest_share) return std::nullopt;
  const double guess =
      trials.size() == 1 ? above.keep * target / above.excess : crossing(trials[trials.size() - 2], above);
  return std::clamp(guess, std::max(smallest_share, above.keep * largest_step), smallest_step * above.keep);
}

std::size_t best_trial(const std::vector<ShareTrial>& trials) {
  const auto rank = [](const ShareTrial& trial) {
    return std::tuple(!trial.holds(), trial.holds() ? trial.damage : trial.excess, -trial.keep);
  };
  return static_cast<std::size_t>(std::ranges::min_element(trials, {}, rank) - trials.begin());
}

ShareSearch search_share(const Graph& model, const SampleSource& samples, const PruneOptions& options,
                         const std::function<double(const Graph&)>& excess_of) {
  return Search(model, samples, options, excess_of).run();
}

std::string sentence_of(const ShareSearch& search, CostKind kind) {
  if (!search.pruned)
    return search.trials.front().holds()
               ? "nothing was taken out: the goals of size and latency hold without pruning"
               : "nothing was taken out: no way of pruning that was tried comes closer to the goals";
  const ShareTrial& chosen = search.trials[search.chosen];
  const char* const what = kind == CostKind::latency ? "estimated time" : "parameters";
  const char* const why = chosen.holds() ? "does the least damage of those with which the goals should hold"
                                         : "comes closest to the goals";
  return fmt::format(
      "{} ways of pruning were tried; the one taken leaves {:.1f} % of the {} and {}",
      std::ranges::count_if(search.trials, [](const ShareTrial& trial) { return trial.keep < 1; }),
      100 * chosen.keep, what, why);
}

}  // namespace edgeopt
