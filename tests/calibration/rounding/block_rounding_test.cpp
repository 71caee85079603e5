// Weights in blocks, rounded for what the layers read.
#include "calibration/rounding/block_rounding.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ir/edit.h"
#include "ir/infer.h"
#include "ir/quantization/block_layout.h"
#include "passes/weight_blocks.h"
#include "recipes/quantize.h"
#include "support/parallel.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

constexpr WeightBlocks blocks = {.block_size = 16};

// Inputs that are no multiple of a block, a transposed weight, and a row of layers.
Graph perceptron() {
  return with_inferred_types(graph_from_text(with_random_constants(R"(g (float[1,40] x) => (float[1,6] y)
    <float[40,24] w = RANDOM, float[24,24] v = RANDOM, float[6,24] u = RANDOM>
    { h = MatMul(x, w) r = Relu(h) m = Gemm<transB = 1>(r, v) s = Relu(m) y = Gemm<transB = 1>(s, u) })"),
                                             {.opset = 21}));
}

const SampleSource& samples() {
  static const SampleSource source = patterned_samples({1, 40}, 64);
  return source;
}

Graph quantized(const SampleSource* rounded_for, WeightRounding rounding = WeightRounding::automatic) {
  QuantizeOptions options;
  options.profile = load_profile("x86_avx512_vnni");
  options.rounding = rounding;
  return quantize_weight_blocks(perceptron(), blocks, false, rounded_for, options).graph;
}

}  // namespace

TEST_CASE("weights in blocks that are rounded for samples keep the outputs better, on other samples too") {
  const SampleSource unseen = slice_samples(patterned_samples({1, 40}, 128), 64, std::nullopt);
  const double nearest = relative_distance(perceptron(), quantized(nullptr), unseen);
  const double rounded = relative_distance(perceptron(), quantized(&samples()), unseen);
  CHECK(rounded < 0.5 * nearest);
}

TEST_CASE("weights rounded for samples are multiples of their blocks' scales within 4 bits") {
  const Graph marked = with_weight_blocks(perceptron(), blocks, {});
  const Graph rounded = with_second_order_blocks(marked, samples(), {});
  for (const char* name : {"w", "v", "u"}) {
    const Value& value = rounded.value(*rounded.find_value(name));
    const Tensor& weight = *value.constant;
    const BlockLayout layout = block_layout(weight.dims(), *value.quantization);
    const std::vector<float>& scales = value.quantization->scales;
    REQUIRE(std::ssize(scales) == layout.lines() * layout.per_line());
    const auto integers = block_integers(weight, layout, scheme_of(*value.quantization), scales);
    for (std::int64_t line = 0; line < layout.lines(); ++line)
      for (std::int64_t k = 0; k < layout.length(); ++k) {
        const std::size_t i = layout.element(line, k);
        CHECK(weight.data<float>()[i] ==
              scales[layout.scale(line, k / layout.size)] * static_cast<float>(integers[i]));
      }
  }
}

TEST_CASE("what was rounded for samples survives being stored in blocks") {
  const Graph rounded = with_second_order_blocks(with_weight_blocks(perceptron(), blocks, {}), samples(), {});
  CHECK(relative_distance(rounded, quantized(&samples()), samples()) < 1e-10);
}

TEST_CASE("asked to round to nearest, blocks are left as they are without samples") {
  CHECK(quantized(&samples(), WeightRounding::nearest) == quantized(nullptr));
}

TEST_CASE("weights that are not marked for blocks are left alone") {
  const Graph model = perceptron();
  CHECK(with_second_order_blocks(model, samples(), {}) == model);
  const Graph marked = with_weight_blocks(model, blocks, {"y"});
  const Graph rounded = with_second_order_blocks(marked, samples(), {});
  CHECK(*rounded.constant(*rounded.find_value("u")) == *model.constant(*model.find_value("u")));
}

TEST_CASE("a layer whose inputs are all zero is rounded to nearest") {
  const SampleSource zeros{.count = 4, .description = "zeros", .read = [](std::int64_t) {
                             return Sample{.inputs = {Tensor(DataType::float32, {1, 40})}};
                           }};
  const Graph rounded = with_second_order_blocks(with_weight_blocks(perceptron(), blocks, {}), zeros, {});
  const Value& value = rounded.value(*rounded.find_value("w"));
  const Tensor weight = *perceptron().constant(*perceptron().find_value("w"));
  const BlockLayout layout = block_layout(weight.dims(), *value.quantization);
  const QuantizationScheme scheme = scheme_of(*value.quantization);
  CHECK(block_integers(*value.constant, layout, scheme, value.quantization->scales) ==
        block_integers(weight, layout, scheme, value.quantization->scales));
}

TEST_CASE("weights in blocks are rounded to the same at one and three threads") {
  const Graph expected = quantized(&samples());
  const int threads = thread_count();
  set_thread_count(3);
  CHECK(quantized(&samples()) == expected);
  set_thread_count(threads);
}

TEST_CASE("layer inputs that are not finite do not keep weights from being rounded") {
  const SampleSource strange{.count = 4, .description = "strange", .read = [](std::int64_t i) {
                               Tensor x(DataType::float32, {1, 40});
                               std::ranges::fill(x.mutable_data<float>(), 1.0F);
                               x.mutable_data<float>()[0] = i % 2 == 0 ? NAN : INFINITY;
                               return Sample{.inputs = {x}};
                             }};
  const Graph rounded = with_second_order_blocks(with_weight_blocks(perceptron(), blocks, {}), strange, {});
  for (const char* name : {"w", "v", "u"})
    for (const float element : rounded.constant(*rounded.find_value(name))->data<float>())
      REQUIRE(std::isfinite(element));
}

}  // namespace edgeopt
