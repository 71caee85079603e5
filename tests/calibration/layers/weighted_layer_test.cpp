// Layers as matrix products: rows times weights plus bias is what the operator's definition computes.
#include "calibration/layers/weighted_layer.h"

#include <doctest/doctest.h>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

std::string numbers(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += (i ? ", " : "") + std::to_string((i * 7 % 11) - 5);
  return text + "}";
}

// The graph's only layer, computed row by row, against the graph itself.
void check_rows(const std::string& text) {
  const Graph graph = with_inferred_types(graph_from_text(text, {.opset = 17}));
  const auto layer = weighted_layer_at(graph, graph.node(graph.nodes()[0]));
  REQUIRE(layer);
  const Tensors inputs = random_inputs(graph, 1);
  const Tensor output = evaluate(graph, inputs)[0];
  const RowReader reader(graph, *layer, inputs[0].dims());
  CHECK(reader.position_count() * layer->groups * layer->outputs == output.element_count());
  std::vector<float> row(static_cast<std::size_t>(layer->features)),
      wanted(static_cast<std::size_t>(layer->outputs));
  for (std::int64_t group = 0; group < layer->groups; ++group) {
    const std::vector<double> weights = weights_of(*layer, *graph.constant(layer->weight), group);
    for (std::int64_t position = 0; position < reader.position_count(); ++position) {
      reader.read_features(inputs[0], position, group, row);
      reader.read_outputs(output, position, group, wanted);
      for (std::size_t m = 0; m < wanted.size(); ++m) {
        double sum = 0;
        for (std::size_t k = 0; k < row.size(); ++k)
          sum += static_cast<double>(row[k]) * weights[k * wanted.size() + m];
        CHECK(sum == doctest::Approx(static_cast<double>(wanted[m])).epsilon(1e-5));
      }
    }
  }
}

}  // namespace

TEST_CASE("weighted layers: Conv with pads and strides, grouped and depthwise") {
  check_rows("g (float[2,3,5,6] x) => (float[2,4,3,3] y) <float[4,3,3,3] w = " + numbers(108) +
             "> { y = Conv<pads = [1,1,1,1], strides = [2,2]>(x, w) }");
  check_rows("g (float[1,4,5,5] x) => (float[1,6,3,3] y) <float[6,2,3,3] w = " + numbers(108) +
             "> { y = Conv<group = 2>(x, w) }");
  check_rows("g (float[1,3,7] x) => (float[1,3,5] y) <float[3,1,3] w = " + numbers(9) +
             "> { y = Conv<group = 3>(x, w) }");
}

TEST_CASE("weighted layers: Gemm both ways round, and MatMul over leading dims") {
  check_rows("g (float[3,4] x) => (float[3,2] y) <float[4,2] w = " + numbers(8) + "> { y = Gemm(x, w) }");
  check_rows("g (float[3,4] x) => (float[3,2] y) <float[2,4] w = " + numbers(8) +
             "> { y = Gemm<transB = 1>(x, w) }");
  check_rows("g (float[2,3,4] x) => (float[2,3,2] y) <float[4,2] w = " + numbers(8) +
             "> { y = MatMul(x, w) }");
}

TEST_CASE("weighted layers: what is no product with constant weights is none") {
  const auto is_layer = [](const std::string& text) {
    const Graph graph = with_inferred_types(graph_from_text(text, {.opset = 17}));
    return weighted_layer_at(graph, graph.node(graph.nodes()[0])).has_value();
  };
  CHECK_FALSE(is_layer("g (float[3,4] x, float[4,2] w) => (float[3,2] y) { y = MatMul(x, w) }"));
  CHECK_FALSE(is_layer("g (float[3,4] x) => (float[3,2] y) <float[4,2] w = " + numbers(8) +
                       "> { y = Gemm<alpha = 2.0>(x, w) }"));
  CHECK_FALSE(is_layer("g (float[3,4] x) => (float[3,4] y) { y = Relu(x) }"));
}

TEST_CASE("weighted layers: positions are spread, each at most once") {
  CHECK(spread_positions(10, 5, 0) == std::vector<std::int64_t>{0, 2, 4, 6, 8});
  CHECK(spread_positions(3, 5, 1).size() == 3);
  CHECK(spread_positions(0, 5, 1).empty());
}

}  // namespace edgeopt
