#include "recipes/sparsify.h"

#include <doctest/doctest.h>

#include "recipes/optimize.h"
#include "recipes/prune.h"
#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

SparsifiedModel sparsified(bool balances) {
  const Graph model = prepare_for_pruning(small_teacher(), 1).graph;
  return sparsify_model(model, model, patterned_samples({1, 2, 6, 6}, 60),
                        {.weights = {.pattern = sparsity_pattern("0.6")}, .balances = balances});
}

double zero_share(const SparsifiedModel& model) {
  double zeros = 0, all = 0;
  for (const SparseLayer& layer : model.sparse.layers) {
    zeros += static_cast<double>(layer.zero_count);
    all += static_cast<double>(layer.element_count);
  }
  return zeros / all;
}

double sqnr(const std::optional<Judgement>& judgement) {
  return judgement.value().find("sqnr")->result->value;
}

}  // namespace

TEST_CASE("sparsify: repair counts on samples that it did not see") {
  const SparsifiedModel model = sparsified(true);
  CHECK(model.after_repair->sample_count == 12);
  CHECK(sqnr(model.after_repair) > sqnr(model.before_repair) + 3);
}

TEST_CASE("sparsify: balanced shares keep the total, and the layers lose less in sum than at uniform ones") {
  const SparsifiedModel balanced = sparsified(true), uniform = sparsified(false);
  // A weight per layer by rounding, and the grain of the knapsack.
  CHECK(zero_share(balanced) >= 0.6 - 0.01);
  CHECK(zero_share(uniform) == doctest::Approx(0.6).epsilon(0.01));
  for (const SparseLayer& layer : uniform.sparse.layers)
    CHECK(static_cast<double>(layer.zero_count) ==
          doctest::Approx(0.6 * static_cast<double>(layer.element_count)).epsilon(0.01));
  // What each layer loses by itself, in the dense model.
  const Graph graph = prepare_for_pruning(small_teacher(), 1).graph;
  const SampleSource samples = held_out(patterned_samples({1, 2, 6, 6}, 60)).calibration;
  std::vector<double> shares = {0.6};
  for (const SparseLayer& layer : balanced.sparse.layers)
    shares.push_back(static_cast<double>(layer.zero_count) / static_cast<double>(layer.element_count));
  const auto damages = sparsity_damages(graph, samples, {.pattern = sparsity_pattern("0.6")}, shares);
  CHECK(damages[0][1] + damages[1][2] < damages[0][0] + damages[1][0]);
}

TEST_CASE("sparsify: a model without a layer that may be sparse is refused with the reason") {
  const Graph model = graph_from_text(
      "g (float[1,2] x) => (float[1,2] y) <float[2,2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }");
  CHECK_THROWS_WITH_AS(
      sparsify_model(model, model, std::nullopt, {.weights = {.criterion = SparsityCriterion::magnitude}}),
      doctest::Contains("MatMul 'y': it reads the model's input"), NothingToSparsify);
}

}  // namespace edgeopt
