// Factors between layers whose weights alone are integers, in blocks that share a scale.
#include <doctest/doctest.h>

#include "ir/infer.h"
#include "recipes/quantize.h"
#include "support/parallel.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

constexpr WeightBlocks blocks = {.block_size = 16};

// Every fourth channel between the layers carries thirty times as much as its neighbours in the block.
Graph uneven_perceptron() {
  std::string louder = "1";
  for (int channel = 1; channel < 32; ++channel) louder += channel % 4 == 0 ? ", 1" : ", 0.03";
  return with_inferred_types(graph_from_text(with_random_constants(R"(g (float[1,24] x) => (float[1,8] y)
    <float[24,32] w = RANDOM, float[32,8] v = RANDOM, float[32] louder = {)" +
                                                                   louder +
                                                                   R"(}>
    { l = MatMul(x, w) m = Mul(l, louder) h = Relu(m) y = MatMul(h, v) })"),
                                             {.opset = 21}));
}

// No layer writes what another reads.
Graph one_layer() {
  return with_inferred_types(graph_from_text(with_random_constants(R"(g (float[1,24] x) => (float[1,8] y)
        <float[24,8] w = RANDOM> { y = MatMul(x, w) })"),
                                             {.opset = 21}));
}

const SampleSource& samples() {
  static const SampleSource source = patterned_samples({1, 24}, 64);
  return source;
}

QuantizedModel quantized(const Graph& model, Equalization equalization, WeightRounding rounding) {
  QuantizeOptions options;
  options.profile = load_profile("x86_avx512_vnni");
  options.equalization = equalization;
  options.rounding = rounding;
  return quantize_weight_blocks(model, blocks, false, &samples(), options);
}

}  // namespace

TEST_CASE("channels that carry much get finer steps in blocks of weights") {
  const Graph model = uneven_perceptron();
  const SampleSource unseen = slice_samples(patterned_samples({1, 24}, 128), 64, std::nullopt);
  for (const WeightRounding rounding : {WeightRounding::nearest, WeightRounding::second_order}) {
    const Graph plain = quantized(model, Equalization::none, rounding).graph;
    const Graph equalized = quantized(model, Equalization::samples, rounding).graph;
    CHECK(relative_distance(model, equalized, unseen) < 0.8 * relative_distance(model, plain, unseen));
  }
}

TEST_CASE("equalizing for blocks keeps the float function") {
  const Graph model = uneven_perceptron();
  const QuantizedModel equalized = quantized(model, Equalization::samples, WeightRounding::nearest);
  CHECK_FALSE(equalized.prepared == quantized(model, Equalization::none, WeightRounding::nearest).prepared);
  CHECK(relative_distance(model, equalized.prepared, samples()) < 1e-10);
}

TEST_CASE("a layer that nobody writes for is left alone by equalizing for blocks") {
  CHECK(quantized(one_layer(), Equalization::samples, WeightRounding::nearest).graph ==
        quantized(one_layer(), Equalization::none, WeightRounding::nearest).graph);
}

TEST_CASE("blocks are equalized to the same at one and three threads") {
  const Graph expected = quantized(uneven_perceptron(), Equalization::samples, WeightRounding::nearest).graph;
  const int threads = thread_count();
  set_thread_count(3);
  CHECK(quantized(uneven_perceptron(), Equalization::samples, WeightRounding::nearest).graph == expected);
  set_thread_count(threads);
}

}  // namespace edgeopt
