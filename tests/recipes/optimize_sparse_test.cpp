// Zeros asked for in `optimize`, or there before, reach the integers of its result.
#include <doctest/doctest.h>

#include <algorithm>

#include "calibration/training/integer_places.h"
#include "hwprofiles/profile.h"
#include "recipes/optimize.h"
#include "tests/calibration/training/teaching.h"

namespace edgeopt {
namespace {

OptimizeRequest request(std::optional<SparsityOptions> sparsity) {
  return {.samples = split_samples(patterned_samples({1, 2, 6, 6}, 80)),
          .sparsity = std::move(sparsity),
          .quantize = {.profile = load_profile("x86_avx512_vnni"),
                       .observers = {{.method = ObserverMethod::minmax}}},
          .latency = {.run_count = 1, .warmup_count = 0}};
}

SparsityOptions half_zeros(std::vector<std::string> excluded = {}) {
  return {.weights = {.pattern = sparsity_pattern("0.5"), .excluded = std::move(excluded)},
          .balances = false};
}

struct Counts {
  std::int64_t zeros = 0, elements = 0;
};

// Of the integers of all weights.
Counts integers_of(const Graph& graph) {
  Counts counts;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!node.is("DequantizeLinear")) continue;
    const auto source = integer_source_of(graph, node);
    if (!source || source->integers.rank() < 2) continue;
    const std::vector<std::int64_t> integers = to_int64s(source->integers);
    counts.zeros += std::ranges::count(integers, 0);
    counts.elements += std::ssize(integers);
  }
  return counts;
}

std::int64_t zeros_made(const Optimized& optimized) {
  std::int64_t zeros = 0;
  for (const SparseLayer& layer : optimized.sparsity.value().layers) zeros += layer.zero_count;
  return zeros;
}

DistillationOptions short_learning() {
  return {.optimizer = {.learning_rate = 3e-3}, .step_count = 20, .batch_size = 8};
}

}  // namespace

TEST_CASE("optimize: zeros that were asked for are zeros among the integers") {
  const Optimized optimized = optimize_model(small_teacher(), request(half_zeros()));
  REQUIRE(optimized.quantized);
  CHECK(zeros_made(optimized) > 100);
  CHECK(integers_of(optimized.graph).zeros >= zeros_made(optimized));
  CHECK(optimized.sparsity->after_repair.has_value());
}

TEST_CASE("optimize: zeros outlive learning before and behind quantizing") {
  OptimizeRequest learning = request(half_zeros());
  learning.training = short_learning();
  learning.quantize.recovery =
      RecoveryOptions{.reconstruction = std::nullopt, .distillation = short_learning()};
  const Optimized optimized = optimize_model(small_teacher(), learning);
  REQUIRE(optimized.learning.size() == 2);
  CHECK(optimized.learning[0].who == "the sparse model");
  CHECK(integers_of(optimized.graph).zeros >= zeros_made(optimized));
}

TEST_CASE("optimize: a model that comes with zeros keeps them, though none were asked for") {
  const SampleSource samples = patterned_samples({1, 2, 6, 6}, 40);
  const SparseModel sparse =
      with_sparse_weights(small_teacher(), &samples, {.pattern = sparsity_pattern("0.5")});
  std::int64_t zeros = 0;
  for (const SparseLayer& layer : sparse.layers) zeros += layer.zero_count;
  const Optimized optimized = optimize_model(sparse.graph, request(std::nullopt));
  CHECK_FALSE(optimized.sparsity);
  CHECK(integers_of(optimized.graph).zeros >= zeros);
}

TEST_CASE("optimize: channels go before weights, so all zeros are in what is left") {
  OptimizeRequest both = request(half_zeros());
  both.prune = PruneOptions{.budget = {.keep = 0.6}};
  const Optimized optimized = optimize_model(small_teacher(), both);
  REQUIRE(optimized.pruning);
  std::int64_t elements = 0;
  for (const SparseLayer& layer : optimized.sparsity.value().layers) elements += layer.element_count;
  for (const DenseLayer& layer : optimized.sparsity->left_alone) elements += layer.element_count;
  CHECK(elements == integers_of(optimized.graph).elements);
}

TEST_CASE("optimize: weights are left alone when no zeros are asked for") {
  const Optimized optimized = optimize_model(small_teacher(), request(std::nullopt));
  const Counts counts = integers_of(optimized.graph);
  CHECK(counts.zeros < counts.elements / 10);
}

TEST_CASE("optimize: a layer is left dense when it is excluded") {
  const Optimized all = optimize_model(small_teacher(), request(half_zeros()));
  const std::string excluded = all.sparsity.value().layers.front().node;
  const Optimized optimized = optimize_model(small_teacher(), request(half_zeros({excluded})));
  const std::vector<SparseLayer>& layers = optimized.sparsity.value().layers;
  CHECK(layers.size() + 1 == all.sparsity->layers.size());
  CHECK(std::ranges::none_of(layers, [&](const SparseLayer& layer) { return layer.node == excluded; }));
}

TEST_CASE("optimize: without samples magnitude chooses, and the model stays in float") {
  OptimizeRequest without = request(half_zeros());
  without.samples.reset();
  without.sparsity->weights.criterion = SparsityCriterion::magnitude;
  const Optimized optimized = optimize_model(small_teacher(), without);
  CHECK_FALSE(optimized.quantized);
  CHECK(zeros_made(optimized) > 100);
  CHECK_FALSE(optimized.sparsity->after_repair);
}

}  // namespace edgeopt
