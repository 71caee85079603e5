#include "passes/prune/choose_channels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace edgeopt {
namespace {

// Steps that a group looks ahead.
constexpr int lookahead = 16;
constexpr int most_exchange_rounds = 200;

/// A way to go on in one group.
struct Step {
  std::int64_t units = 0;
  double ratio = std::numeric_limits<double>::infinity();  // damage per cost saved
};

class Knapsack {
 public:
  Knapsack(const Graph& graph, std::span<const ChannelGroup> groups, std::span<const ChannelRanking> rankings,
           const ChannelBudget& budget)
      : groups_(groups),
        rankings_(rankings),
        budget_(budget),
        cost_(graph, budget.kind, budget.channel_multiple),
        removed_(groups.size(), 0),
        target_(cost_.total() * budget.keep),
        original_cost_(cost_.total()) {}

  ChannelChoice solve() {
    fill();
    give_back();
    for (int round = 0; round < most_exchange_rounds && exchange(); ++round) give_back();
    ChannelChoice choice{.removed_counts = removed_, .original_cost = original_cost_, .cost = cost_.total()};
    for (std::size_t g = 0; g < groups_.size(); ++g) choice.damage += damage(g, removed_[g]);
    choice.is_met = choice.cost <= target_;
    return choice;
  }

 private:
  void fill();
  void give_back();
  bool exchange();

  double damage(std::size_t g, std::int64_t count) const {
    return rankings_[g].damage[static_cast<std::size_t>(count)];
  }
  std::int64_t most_removed(std::size_t g) const {
    const auto count = static_cast<double>(groups_[g].units.size());
    const auto floor = static_cast<std::int64_t>(std::ceil(count * budget_.smallest_share));
    return static_cast<std::int64_t>(count) - std::max({floor, budget_.channel_multiple, std::int64_t{1}});
  }
  /// The next larger count after which a multiple is left; nothing if that is too many.
  std::optional<std::int64_t> next_count(std::size_t g, std::int64_t removed) const;
  std::optional<std::int64_t> previous_count(std::size_t g) const;
  Step best_step(std::size_t g);
  void move_to(std::size_t g, std::int64_t count) {
    cost_.remove(groups_[g], count - removed_[g]);
    removed_[g] = count;
  }

  std::span<const ChannelGroup> groups_;
  std::span<const ChannelRanking> rankings_;
  const ChannelBudget& budget_;
  GraphCost cost_;
  std::vector<std::int64_t> removed_;
  double target_;
  double original_cost_;
};

std::optional<std::int64_t> Knapsack::next_count(std::size_t g, std::int64_t removed) const {
  const std::int64_t left = std::ssize(groups_[g].units) - removed;
  const std::int64_t over = left % budget_.channel_multiple;
  const std::int64_t next = removed + (over == 0 ? budget_.channel_multiple : over);
  return next > most_removed(g) ? std::nullopt : std::optional(next);
}

std::optional<std::int64_t> Knapsack::previous_count(std::size_t g) const {
  std::optional<std::int64_t> previous;
  for (std::int64_t count = 0; count < removed_[g];) {
    previous = count;
    const auto next = next_count(g, count);
    if (!next) break;
    count = *next;
  }
  return previous;
}

Step Knapsack::best_step(std::size_t g) {
  Step best;
  std::int64_t count = removed_[g];
  for (int ahead = 0; ahead < lookahead; ++ahead) {
    const auto next = next_count(g, count);
    if (!next) break;
    count = *next;
    const double gain = cost_.gain(groups_[g], count - removed_[g]);
    if (gain <= 0) continue;
    const double ratio = (damage(g, count) - damage(g, removed_[g])) / gain;
    if (ratio < best.ratio) best = {count - removed_[g], ratio};
  }
  return best;
}

// Only groups that share a node with the one that shrank are looked at again.
void Knapsack::fill() {
  std::vector<Step> steps;
  for (std::size_t g = 0; g < groups_.size(); ++g) steps.push_back(best_step(g));
  while (cost_.total() > target_) {
    const auto best = std::ranges::min_element(steps, {}, &Step::ratio);
    if (best == steps.end() || best->units == 0) return;
    const auto chosen = static_cast<std::size_t>(best - steps.begin());
    move_to(chosen, removed_[chosen] + best->units);
    const std::vector<std::size_t> touched = cost_.places_of(groups_[chosen]);
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const std::vector<std::size_t>& places = cost_.places_of(groups_[g]);
      if (std::ranges::any_of(places, [&](std::size_t p) { return std::ranges::binary_search(touched, p); }))
        steps[g] = best_step(g);
    }
  }
}

// The last step often saves more than was asked: whatever fits may stay, the most harmful removal first.
void Knapsack::give_back() {
  while (true) {
    double most_saved = 0;
    std::size_t chosen = groups_.size();
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const auto previous = previous_count(g);
      if (!previous) continue;
      const double saved = damage(g, removed_[g]) - damage(g, *previous);
      if (saved <= most_saved) continue;
      if (cost_.total() - cost_.gain(groups_[g], *previous - removed_[g]) > target_) continue;
      most_saved = saved;
      chosen = g;
    }
    if (chosen == groups_.size()) return;
    move_to(chosen, *previous_count(chosen));
  }
}

// The best pair of a step forward in one group and a step back in another.
bool Knapsack::exchange() {
  double most_saved = 1e-12;
  std::pair<std::size_t, std::size_t> chosen;
  for (std::size_t more = 0; more < groups_.size(); ++more) {
    const auto next = next_count(more, removed_[more]);
    if (!next) continue;
    const std::int64_t before = removed_[more];
    const double added = damage(more, *next) - damage(more, before);
    move_to(more, *next);
    for (std::size_t less = 0; less < groups_.size(); ++less) {
      const auto previous = previous_count(less);
      if (less == more || !previous) continue;
      const double saved = damage(less, removed_[less]) - damage(less, *previous) - added;
      if (saved <= most_saved) continue;
      if (cost_.total() - cost_.gain(groups_[less], *previous - removed_[less]) > target_) continue;
      most_saved = saved;
      chosen = {more, less};
    }
    move_to(more, before);
  }
  if (chosen.first == chosen.second) return false;
  move_to(chosen.first, *next_count(chosen.first, removed_[chosen.first]));
  move_to(chosen.second, *previous_count(chosen.second));
  return true;
}

}  // namespace

ChannelChoice choose_channels(const Graph& graph, std::span<const ChannelGroup> groups,
                              std::span<const ChannelRanking> rankings, const ChannelBudget& budget) {
  return Knapsack(graph, groups, rankings, budget).solve();
}

}  // namespace edgeopt
