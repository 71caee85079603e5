// Zeros that pruning made stay zeros when the model is quantized, however that is done.
#include <doctest/doctest.h>

#include <algorithm>

#include "calibration/sparsity/sparsification.h"
#include "calibration/training/integer_places.h"
#include "hwprofiles/profile.h"
#include "ir/evaluate.h"
#include "recipes/quantize.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

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
    // An integer 0 is the weight 0 only at zero point 0.
    if (const auto zero_point = quantized.graph.constant(dequantize->input(2)))
      CHECK(std::ranges::count(to_int64s(*zero_point), 0) == zero_point->element_count());
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

TEST_CASE("zeros stay zeros when factors move between the layers first") {
  for (const Equalization equalization : {Equalization::weights, Equalization::samples}) {
    QuantizeOptions options = options_for(WeightRounding::second_order, "w4a8");
    options.equalization = equalization;
    check_zeros(options);
  }
}

TEST_CASE("zeros stay zeros in blocks of 4 bits, in either form") {
  const Graph model = graph_from_text(R"(g (float[2,8] x) => (float[2,4] y)
    <float[8,4] w = {0, 1, 2, 3, -1, 0, 0.3, 7, 0, 0, -5, 4, 0.1, 0, 0, 1, 0, 9, 8, 7, 1, 2, 0, 0, 3, 0, 1, 2, 0, 0, -0.7, 5}>
    { y = MatMul(x, w) })",
                                      {.opset = 21});
  const Tensor weight = *model.constant(*model.find_value("w"));
  QuantizeOptions options;
  options.profile = load_profile("x86_avx512_vnni");
  // Row i of the identity asks for row i of the weight.
  for (const bool as_mat_mul_n_bits : {false, true}) {
    const Graph packed =
        quantize_weight_blocks(model, {.block_size = 16}, as_mat_mul_n_bits, nullptr, options).graph;
    for (std::size_t row = 0; row < 8; row += 2) {
      Tensor x(DataType::float32, {2, 8});
      x.mutable_data<float>()[row] = 1;
      x.mutable_data<float>()[8 + row + 1] = 1;
      const Tensor y = evaluate(packed, {x})[0];
      for (std::size_t i = 0; i < 8; ++i)
        if (weight.data<float>()[row * 4 + i] == 0) CHECK(y.data<float>()[i] == 0);
      CHECK(y.data<float>()[0] + y.data<float>()[1] + y.data<float>()[2] + y.data<float>()[3] != 0);
    }
  }
}

}  // namespace edgeopt
