#include "recipes/sparsify.h"

#include <doctest/doctest.h>

#include <string>

#include "recipes/optimize.h"
#include "recipes/prune.h"
#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

SparsifiedModel sparsified(const std::string& pattern, bool balances) {
  const Graph model = prepare_for_pruning(small_teacher(), 1).graph;
  return sparsify_model(model, model, patterned_samples({1, 2, 6, 6}, 60),
                        {.weights = {.pattern = sparsity_pattern(pattern)}, .balances = balances});
}

// Of the layers that became sparse.
double zero_share(const SparsifiedModel& model) {
  SparsityFacts facts = model.facts;
  facts.left_alone.clear();
  return facts.zero_share();
}

double sqnr(const std::optional<Judgement>& judgement) {
  return judgement.value().find("sqnr")->result->value;
}

}  // namespace

TEST_CASE("sparsify: repair counts on samples that it did not see") {
  const SparsifiedModel model = sparsified("0.6", true);
  CHECK(model.facts.after_repair->sample_count == 12);
  CHECK(sqnr(model.facts.after_repair) > sqnr(model.facts.before_repair) + 3);
}

TEST_CASE("sparsify: balanced shares keep the total, and the layers lose less in sum than at uniform ones") {
  const Graph graph = prepare_for_pruning(small_teacher(), 1).graph;
  const SampleSource samples = held_out(patterned_samples({1, 2, 6, 6}, 60)).calibration;
  int better = 0;
  for (const std::string text : {"0.3", "0.6", "0.75"}) {
    const SparsityPattern pattern = sparsity_pattern(text);
    const SparsifiedModel balanced = sparsified(text, true), uniform = sparsified(text, false);
    // A weight per layer by rounding, and the grain of the knapsack.
    CHECK(zero_share(balanced) >= pattern.share - 0.01);
    CHECK(zero_share(uniform) == doctest::Approx(pattern.share).epsilon(0.02));
    std::vector<double> shares = {pattern.share};
    for (const SparseLayer& layer : balanced.facts.layers)
      shares.push_back(static_cast<double>(layer.zero_count) / static_cast<double>(layer.element_count));
    // What each layer loses by itself, in the dense model.
    const auto damages = sparsity_damages(graph, samples, {.pattern = pattern}, shares);
    const double lost = damages[0][1] + damages[1][2], lost_at_uniform = damages[0][0] + damages[1][0];
    CHECK(lost <= lost_at_uniform * (1 + 1e-9));
    better += lost < 0.95 * lost_at_uniform ? 1 : 0;
  }
  CHECK(better > 0);
}

TEST_CASE("sparsify: a model without a layer that may be sparse is refused with the reason") {
  const Graph model = graph_from_text(
      "g (float[1,2] x) => (float[1,2] y) <float[2,2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }");
  CHECK_THROWS_WITH_AS(
      sparsify_model(model, model, std::nullopt, {.weights = {.criterion = SparsityCriterion::magnitude}}),
      doctest::Contains("MatMul 'y': it reads the model's input"), NothingToSparsify);
}

}  // namespace edgeopt
