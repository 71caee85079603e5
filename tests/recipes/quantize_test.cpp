// What the recipe decides between calibration and the passes.
#include "recipes/quantize.h"

#include <doctest/doctest.h>

#include "calibration/class_scores.h"
#include "ir/infer.h"
#include "recipes/evaluation.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

Graph small_classifier() {
  return with_inferred_types(graph_from_text(with_random_constants(R"(g (float[N,4] x) => (float[N,6] y)
    <float[4,16] w = RANDOM, float[16] b = RANDOM, float[16,6] v = RANDOM, float[6] a = RANDOM>
    { h = Gemm(x, w, b) r = Relu(h) s = Gemm(r, v, a) y = Softmax<axis = 1>(s) })")));
}

// Mostly normal numbers, every 20th sample twelve times as large.
SampleSource heavy_tailed_samples() {
  return {.count = 100, .description = "heavy tails", .read = [](std::int64_t i) {
            RandomStream random(static_cast<std::uint64_t>(i), "quantize test");
            Tensor x(DataType::float32, {1, 4});
            for (float& element : x.mutable_data<float>())
              element = static_cast<float>(random.normal() * (i % 20 == 0 ? 12 : 1));
            return Sample{.inputs = {x}};
          }};
}

SampleSource normal_images() {
  return {.count = 4, .description = "normal", .read = [](std::int64_t i) {
            RandomStream random(static_cast<std::uint64_t>(i), "quantize test images");
            Tensor x(DataType::float32, {1, 3, 8, 8});
            for (float& element : x.mutable_data<float>()) element = static_cast<float>(random.normal());
            return Sample{.inputs = {x}};
          }};
}

QuantizeOptions options_with(ObserverMethod method) {
  return {.profile = load_profile("x86_avx512_vnni"), .observers = {{.method = method, .percentile = 95}}};
}

}  // namespace

TEST_CASE("scores of classes keep the whole range that was seen, whatever the observer") {
  const Graph model = small_classifier();
  const auto scores_range = [&](ObserverMethod method) {
    const Graph ranged = quantize_model(model, heavy_tailed_samples(), options_with(method)).prepared;
    return *ranged.value(scores_behind(ranged, ranged.outputs()[0])).range;
  };
  CHECK(scores_range(ObserverMethod::percentile) == scores_range(ObserverMethod::minmax));
}

TEST_CASE("hidden values have the observer's range") {
  const Graph model = small_classifier();
  const auto input_range = [&](ObserverMethod method) {
    const Graph ranged = quantize_model(model, heavy_tailed_samples(), options_with(method)).prepared;
    return *ranged.value(ranged.inputs()[0]).range;
  };
  CHECK(input_range(ObserverMethod::percentile).max < input_range(ObserverMethod::minmax).max);
}

TEST_CASE("of several observers the one whose scores come closest is kept") {
  QuantizeOptions options = options_with(ObserverMethod::minmax);
  options.observers.push_back({.method = ObserverMethod::mse});
  const QuantizedModel result = quantize_model(small_classifier(), heavy_tailed_samples(), options);
  REQUIRE(result.trials.size() == 2);
  const bool is_first_best = result.trials[0].sqnr_db >= result.trials[1].sqnr_db;
  CHECK(result.observer == result.trials[is_first_best ? 0 : 1].method);
}

TEST_CASE("equalizing on samples keeps the float function and moves weights") {
  const Graph model = small_classifier();
  QuantizeOptions options = options_with(ObserverMethod::minmax);
  const QuantizedModel plain = quantize_model(model, heavy_tailed_samples(), options);
  options.equalization = Equalization::samples;
  const QuantizedModel equalized = quantize_model(model, heavy_tailed_samples(), options);
  CHECK_FALSE(equalized.prepared == plain.prepared);
  const Evaluation same =
      evaluate_model(equalized.prepared, heavy_tailed_samples(), {.reference = &plain.prepared});
  CHECK(same.outputs.at(0).sqnr_db.value > 100);  // float rounding is at 140 dB
}

TEST_CASE("a layer that the device runs faster in float says so, not that its ranges lack") {
  const Graph model = with_inferred_types(graph_from_text(with_random_constants(
      R"(g (float[N,3,8,8] x) => (float[N,32,8,8] y) <float[8,3,1,1] v = RANDOM, float[32,8,1,1] w = RANDOM>
    { h = Conv(x, v) r = Relu(h) y = Conv(r, w) })")));
  const QuantizedModel result = quantize_model(model, normal_images(), options_with(ObserverMethod::minmax));
  REQUIRE(result.kept_float.size() == 1);
  CHECK(result.kept_float[0].reason.starts_with("its 8 output channels are too few"));
}

TEST_CASE("a model that is quantized already is called that") {
  const Graph model =
      quantize_model(small_classifier(), heavy_tailed_samples(), options_with(ObserverMethod::minmax)).graph;
  CHECK_THROWS_WITH_AS(
      quantize_model(model, heavy_tailed_samples(), options_with(ObserverMethod::minmax)),
      "nothing can be quantized: the model is quantized already; give the float model that it was made from",
      NothingToQuantize);
}

TEST_CASE("a node that is to stay in float must be there, before fusing or after it") {
  QuantizeOptions options = options_with(ObserverMethod::minmax);
  options.keep_float = {"nobody"};
  CHECK_THROWS_AS(quantize_model(small_classifier(), heavy_tailed_samples(), options), UserError);
  options.keep_float = {"h"};
  CHECK(quantize_model(small_classifier(), heavy_tailed_samples(), options).integer_layer_count > 0);
}

TEST_CASE("ranges that were calibrated on a model stay where it is fused, and quantize as many layers") {
  const Graph model = with_inferred_types(graph_from_text(with_random_constants(
      R"(g (float[N,3,8,8] x) => (float[N,16,8,8] y) <float[16,3,1,1] v = RANDOM, float[16,16,1,1] w = RANDOM,
         float[16] s = RANDOM, float[16] o = RANDOM, float[16] m = RANDOM, float[16] q = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}>
    { h = Conv(x, v) n = BatchNormalization(h, s, o, m, q) r = Relu(n) y = Conv(r, w) })")));
  QuantizeOptions options = options_with(ObserverMethod::minmax);
  options.corrects_biases = false;
  const Observations seen = observe_values(model, normal_images(), {.observer = options.observers[0]});
  const QuantizedModel ranged =
      quantize_model_with_ranges(model, make_ranges_file(seen, options.observers[0]), options);
  CHECK(ranged.kept_float.empty());
  CHECK(ranged.integer_layer_count == 2);
  // Ranges were seen before fusing, which rounds otherwise.
  const QuantizedModel observed = quantize_model(model, normal_images(), options);
  CHECK(ranged.graph.nodes().size() == observed.graph.nodes().size());
  const Evaluation same = evaluate_model(ranged.graph, normal_images(), {.reference = &observed.graph});
  CHECK(same.outputs.at(0).sqnr_db.value > 40);
}

TEST_CASE("names of equalizations are read back, others are none") {
  for (const Equalization each : {Equalization::none, Equalization::weights, Equalization::samples})
    CHECK(equalization_named(name_of(each)) == each);
  CHECK_FALSE(equalization_named("some"));
}

}  // namespace edgeopt
