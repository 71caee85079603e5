// Quantizing models whose weights and biases are not what layers usually have: done, or refused with a
// UserError.
#include <doctest/doctest.h>

#include <cmath>

#include "ir/edit.h"
#include "ir/infer.h"
#include "recipes/quantize.h"
#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

Graph layer_with_bias(const std::string& bias, const std::string& dims) {
  return with_inferred_types(graph_from_text(
      with_random_constants("g (float[4,8] x) => (float[4,6] y) <float[8,6] w = RANDOM, float" + dims +
                            " b = " + bias + "> { h = Gemm(x, w, b) y = Relu(h) }"),
      {.opset = 21}));
}

QuantizedModel quantized(const Graph& model, int weight_bits) {
  QuantizeOptions options;
  options.profile = load_profile("x86_avx512_vnni");
  options.widths.scheme.weight_bits = weight_bits;
  options.rounding = WeightRounding::second_order;
  options.observers = {{.method = ObserverMethod::minmax}};
  return quantize_model(model, patterned_samples({4, 8}, 16), options);
}

}  // namespace

TEST_CASE("a bias that is broadcast over the outputs, or has a row, is quantized") {
  for (const auto& [bias, dims] :
       {std::pair{"{0.5}", "[1]"}, std::pair{"{0.5}", ""}, std::pair{"{1,2,3,4,5,6}", "[1,6]"}}) {
    CAPTURE(dims);
    const Graph model = layer_with_bias(bias, dims);
    for (const int bits : {8, 4})
      CHECK(relative_distance(model, quantized(model, bits).graph, patterned_samples({4, 8}, 16)) < 0.1);
  }
}

TEST_CASE("a layer whose weight is not finite stays in float, and says why") {
  for (const float strange : {NAN, INFINITY}) {
    const Graph model = layer_with_bias("{1,2,3,4,5,6}", "[6]");
    Edit edit(model);
    Tensor weight = *model.constant(*model.find_value("w"));
    weight.mutable_data<float>()[9] = strange;
    edit.set_constant(*model.find_value("w"), weight);
    const Graph broken = edit.apply();
    for (const int bits : {8, 4})
      CHECK_THROWS_WITH_AS(quantized(broken, bits),
                           "nothing can be quantized: Gemm 'h': its weight holds numbers that are not finite",
                           UserError);
  }
}

}  // namespace edgeopt
