// Zeros that pruning made stay zeros when the model is quantized, however that is done.
#include <doctest/doctest.h>

#include "calibration/sparsification.h"
#include "calibration/training/integer_places.h"
#include "hwprofiles/profile.h"
#include "ir/evaluate.h"
#include "recipes/quantize.h"
#include "tests/calibration/training/teaching.h"

namespace edgeopt {
namespace {

const SampleSource& samples() {
  static const SampleSource source = patterned_samples({1, 2, 6, 6}, 32);
  return source;
}

const Graph& sparse_model() {
  static const Graph graph =
      with_sparse_weights(small_teacher(), &samples(), {.pattern = sparsity_pattern("0.5")}).graph;
  return graph;
}

// Whether every zero of the float weights is one of the integers, and not all integers are.
void check_zeros(const QuantizeOptions& options) {
  const QuantizedModel quantized = quantize_model(sparse_model(), samples(), options);
  int checked = 0;
  for (const ValueId id : quantized.prepared.values()) {
    const auto weight = quantized.prepared.constant(id);
    const auto dequantized = quantized.graph.find_value(quantized.prepared.name_of(id) + "_dequantized");
    if (!weight || weight->rank() < 2 || !dequantized) continue;
    const Node* dequantize = quantized.graph.producer(*dequantized, "DequantizeLinear");
    REQUIRE(dequantize != nullptr);
    const std::vector<std::int64_t> integers =
        to_int64s(integer_source_of(quantized.graph, *dequantize)->integers);
    std::int64_t zeros = 0, lost = 0, others = 0;
    for (std::size_t i = 0; i < integers.size(); ++i) {
      zeros += weight->data<float>()[i] == 0 ? 1 : 0;
      lost += weight->data<float>()[i] == 0 && integers[i] != 0 ? 1 : 0;
      others += integers[i] != 0 ? 1 : 0;
    }
    CAPTURE(quantized.prepared.name_of(id));
    CHECK(lost == 0);
    CHECK(others > 0);
    checked += zeros > 0 ? 1 : 0;
  }
  CHECK(checked >= 1);
}

QuantizeOptions options_for(WeightRounding rounding, const char* scheme) {
  return {.profile = load_profile("x86_avx512_vnni"),
          .widths = {.scheme = scheme_named(scheme)},
          .observers = {{.method = ObserverMethod::minmax}},
          .rounding = rounding};
}

RecoveryOptions short_recovery() {
  return {.reconstruction = std::nullopt,
          .distillation = {.optimizer = {.learning_rate = 3e-3}, .step_count = 40, .batch_size = 8}};
}

}  // namespace

TEST_CASE("zeros stay zeros when weights are rounded to nearest, biases corrected") {
  check_zeros(options_for(WeightRounding::nearest, "int8"));
  check_zeros(options_for(WeightRounding::nearest, "w4a8"));
}

TEST_CASE("zeros stay zeros when weights are rounded by their second order") {
  check_zeros(options_for(WeightRounding::second_order, "int8"));
  check_zeros(options_for(WeightRounding::second_order, "w4a8"));
}

TEST_CASE("zeros stay zeros when weights, scales and rounding learn") {
  QuantizeOptions options = options_for(WeightRounding::automatic, "int8");
  options.recovery = short_recovery();
  check_zeros(options);
  options.widths.scheme = scheme_named("w4a8");
  check_zeros(options);
  options.recovery->reconstruction = ReconstructionOptions{.work = 1, .batch_size = 8};
  check_zeros(options);
}

}  // namespace edgeopt
