// The most of a model with which goals hold.
#include "recipes/channel_share.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "ir/infer.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

// Asks for shares until none is left to try, where a share comes to `excess_at(keep)`.
std::vector<ShareTrial> tried_shares(const std::function<double(double)>& excess_at) {
  std::vector<ShareTrial> trials = {{.excess = excess_at(1)}};
  while (const std::optional<double> keep = next_share(trials))
    trials.push_back({.keep = *keep, .excess = excess_at(*keep)});
  return trials;
}

double parameters_of(const Graph& graph) { return cost_of(graph, CostKind::parameters); }

const SampleSource& samples() {
  static const SampleSource source = patterned_samples({1, 2, 6, 6}, 60);
  return source;
}

PruneOptions options(CostKind kind) { return {.budget = {.kind = kind}}; }

// Two blocks of equal cost behind a stem.
Graph two_blocks() {
  return with_inferred_types(graph_from_text(with_random_constants(R"(g (float[N,2,6,6] x) => (float[N,4] y)
    <float[8,2,1,1] stem = RANDOM, float[8,8,1,1] a_w = RANDOM, float[8,8,1,1] b_w = RANDOM,
     float[8,8,1,1] c_w = RANDOM, float[8,8,1,1] d_w = RANDOM, float[8,4] head = RANDOM>
    { s = Conv(x, stem) r = Relu(s)
      a = Conv(r, a_w) a_r = Relu(a) b = Conv(a_r, b_w) first = Add(r, b) t = Relu(first)
      c = Conv(t, c_w) c_r = Relu(c) d = Conv(c_r, d_w) second = Add(t, d) u = Relu(second)
      p = GlobalAveragePool(u) f = Flatten(p) y = MatMul(f, head) })")));
}

}  // namespace

TEST_CASE("channel share: no share is tried where the goals hold with all channels") {
  CHECK_FALSE(next_share({{.excess = 1}}));
}

TEST_CASE("channel share: a share just within the goal is found in few tries") {
  // A fixed cost beside the share, as scales and the graph have.
  for (const double fixed : {0.0, 0.3, 0.6})
    for (const double over : {1.05, 1.3, 1.6}) {
      const auto excess_at = [&](double keep) { return over * (fixed + (1 - fixed) * keep); };
      const std::vector<ShareTrial> trials = tried_shares(excess_at);
      CHECK(std::ssize(trials) <= 5);
      CHECK(trials.back().holds());
      CHECK(trials.back().excess > 0.93);
    }
}

TEST_CASE("channel share: a cost that falls in steps is met within the tries") {
  const auto excess_at = [](double keep) { return 1.5 * std::ceil(keep * 8) / 8; };
  const std::vector<ShareTrial> trials = tried_shares(excess_at);
  CHECK(trials[best_trial(trials)].holds());
  CHECK(std::ssize(trials) <= 6);
}

TEST_CASE("channel share: a goal that no share meets ends the tries, and every share is one") {
  const std::vector<ShareTrial> trials = tried_shares([](double keep) { return 50 + keep; });
  CHECK(std::ssize(trials) <= 6);
  for (const ShareTrial& trial : trials) CHECK((trial.keep > 0 && trial.keep <= 1));
}

TEST_CASE("channel share: of the trials that hold the one of least damage is best, else what comes closest") {
  CHECK(best_trial(
            {{.excess = 2}, {.keep = 0.5, .excess = 0.9, .damage = 3}, {.excess = 0.99, .damage = 1}}) == 2);
  CHECK(best_trial(
            {{.excess = 2}, {.keep = 0.5, .excess = 1.1, .damage = 3}, {.excess = 1.3, .damage = 1}}) == 1);
  CHECK(best_trial({{.excess = 2}}) == 0);
}

TEST_CASE("channel share: the model is pruned as far as the goal needs") {
  const Graph model = small_teacher();
  const auto excess_of = [&](const Graph& graph) {
    return parameters_of(graph) / (0.6 * parameters_of(model));
  };
  const ShareSearch found = search_share(model, samples(), options(CostKind::parameters), excess_of);
  REQUIRE(found.pruned);
  const ShareTrial& chosen = found.trials[found.chosen];
  CHECK(chosen.holds());
  CHECK(chosen.excess == doctest::Approx(excess_of(found.pruned->graph)));
  for (const ShareTrial& trial : found.trials) CHECK((!trial.holds() || trial.damage >= chosen.damage));
}

TEST_CASE("channel share: a model that meets its goals is left alone") {
  const ShareSearch found = search_share(small_teacher(), samples(), options(CostKind::parameters),
                                         [](const Graph&) { return 0.5; });
  CHECK_FALSE(found.pruned);
  CHECK(found.trials.size() == 1);
}

TEST_CASE("channel share: a model is left alone where pruning only takes it further from the goal") {
  const Graph model = small_teacher();
  const ShareSearch found =
      search_share(model, samples(), options(CostKind::parameters),
                   [&](const Graph& graph) { return 3 - parameters_of(graph) / parameters_of(model); });
  CHECK_FALSE(found.pruned);
}

TEST_CASE("channel share: blocks go where time is spent by operators, whatever their channels") {
  const auto node_count = [](const Graph& graph) { return static_cast<double>(graph.nodes().size()); };
  const double all = node_count(two_blocks());
  const auto excess_of = [&](const Graph& graph) { return node_count(graph) / (0.8 * all); };
  const ShareSearch found = search_share(two_blocks(), samples(), options(CostKind::latency), excess_of);
  REQUIRE(found.pruned);
  CHECK(found.pruned->blocks.size() == 1);
  CHECK(found.trials[found.chosen].holds());
}

TEST_CASE("channel share: nothing is tried twice where a model has no blocks to take out") {
  const Graph model = small_teacher();
  const auto excess_of = [&](const Graph& graph) { return 2 * parameters_of(graph) / parameters_of(model); };
  const ShareSearch found = search_share(model, samples(), options(CostKind::latency), excess_of);
  CHECK(std::ranges::count(found.trials, 1.0, &ShareTrial::keep) == 1);
}

TEST_CASE("channel share: channels go too where more blocks are asked for than there are") {
  PruneOptions all_blocks = options(CostKind::parameters);
  all_blocks.blocks.count = 5;
  const Graph model = two_blocks();
  const auto excess_of = [&](const Graph& graph) {
    return parameters_of(graph) / (0.1 * parameters_of(model));
  };
  const ShareSearch found = search_share(model, samples(), all_blocks, excess_of);
  REQUIRE(found.trials.size() > 1);
  CHECK(found.trials.front().block_count == 2);
  CHECK(found.trials.back().keep < found.trials.front().keep);
}

TEST_CASE("channel share: blocks stay where the goal is one of size") {
  const ShareSearch found =
      search_share(two_blocks(), samples(), options(CostKind::parameters), [](const Graph&) { return 2.0; });
  for (const ShareTrial& trial : found.trials) CHECK(trial.block_count == 0);
}

}  // namespace edgeopt
