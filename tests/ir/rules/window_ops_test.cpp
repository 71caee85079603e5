// Shapes and costs of convolutions, poolings, matrix products and shape arithmetic, with dims that are not
// known.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "ir/op.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// The inferred shape of the only output of a graph in ONNX text.
std::string inferred(std::string_view text) {
  const Graph graph = with_inferred_types(graph_from_text(text));
  const ValueType& type = graph.type_of(graph.outputs()[0]);
  return type.shape ? to_string(*type.shape) : "no rank";
}

Cost cost_of_first_node(std::string_view text) {
  const Graph graph = with_inferred_types(graph_from_text(text));
  const Node& node = graph.node(graph.nodes()[0]);
  std::vector<Operand> outputs;
  for (const ValueType& type : infer_output_types(graph, node)) outputs.push_back({.type = type});
  const std::vector<Operand> inputs = operands_of(graph, node);
  return find_op(node)->count_cost(InferCall{.node = node, .opset = graph.opset(), .inputs = inputs},
                                   outputs);
}

TEST_CASE("a convolution keeps a symbolic batch and counts its windows") {
  CHECK(inferred("g (float[N,3,9,9] x, float[8,3,3,3] w) => (y) { y = Conv<strides = [2, 2], pads = [1, 1, "
                 "0, 0]>(x, w) }") == "[N,8,4,4]");
}

TEST_CASE("a symbolic image keeps its size only where every pixel keeps a window") {
  CHECK(inferred("g (float[1,3,H,W] x, float[8,3,3,3] w) => (y) { y = Conv<pads = [1, 1, 1, 1]>(x, w) }") ==
        "[1,8,H,W]");
  CHECK(inferred("g (float[1,3,H,W] x, float[8,3,3,3] w) => (y) { y = Conv(x, w) }") == "[1,8,?,?]");
}

TEST_CASE("SAME pads so that ceil(input / stride) windows fit") {
  CHECK(inferred("g (float[1,1,7] x, float[1,1,4] w) => (y) { y = Conv<auto_pad = \"SAME_LOWER\", strides = "
                 "[2]>(x, w) }") == "[1,1,4]");
}

TEST_CASE("a pooling rounds up in ceil mode, but starts no window behind the input") {
  CHECK(
      inferred(
          "g (float[1,1,5] x) => (y) { y = MaxPool<kernel_shape = [2], strides = [2], ceil_mode = 1>(x) }") ==
      "[1,1,3]");
  CHECK(
      inferred(
          "g (float[1,1,4] x) => (y) { y = MaxPool<kernel_shape = [1], strides = [4], ceil_mode = 1>(x) }") ==
      "[1,1,1]");
}

TEST_CASE("channels that do not fit the weight are refused with both numbers") {
  CHECK_THROWS_WITH_AS(inferred("g (float[1,4,9] x, float[8,3,3] w) => (y) { y = Conv(x, w) }"),
                       doctest::Contains("the input has 4 channels, but 1 groups of 3 are expected"),
                       UserError);
}

TEST_CASE("a window larger than its input is refused") {
  CHECK_THROWS_WITH_AS(inferred("g (float[1,1,2] x) => (y) { y = MaxPool<kernel_shape = [4]>(x) }"),
                       doctest::Contains("a window of 4 elements does not fit an input of 2"), UserError);
}

TEST_CASE("multiply-adds of a convolution: output elements times one channel's weights") {
  // 8 * 7 * 7 outputs, 3 * 3 * 3 weights each; the symbolic batch counts once
  CHECK(
      cost_of_first_node("g (float[N,3,9,9] x, float[8,3,3,3] w) => (y) { y = Conv(x, w) }").multiply_adds ==
      8 * 7 * 7 * 27);
}

TEST_CASE("a depthwise convolution costs one channel per output") {
  CHECK(cost_of_first_node("g (float[1,8,5,5] x, float[8,1,3,3] w) => (y) { y = Conv<group = 8>(x, w) }")
            .multiply_adds == 8 * 3 * 3 * 9);
}

TEST_CASE("multiply-adds of a product: output elements times the length of a sum") {
  CHECK(cost_of_first_node("g (float[2,5,7] a, float[7,3] b) => (y) { y = MatMul(a, b) }").multiply_adds ==
        2 * 5 * 3 * 7);
  CHECK(cost_of_first_node("g (float[7,5] a, float[3,7] b) => (y) { y = Gemm<transA = 1, transB = 1>(a, b) }")
            .multiply_adds == 5 * 3 * 7);
}

TEST_CASE("leading dims of a product are broadcast, 1-D operands lose their dim") {
  CHECK(inferred("g (float[N,1,2,3] a, float[4,3,5] b) => (y) { y = MatMul(a, b) }") == "[N,4,2,5]");
  CHECK(inferred("g (float[3] a, float[4,3,5] b) => (y) { y = MatMul(a, b) }") == "[4,5]");
}

TEST_CASE("a shape computed from a symbolic batch reaches Reshape") {
  CHECK(inferred(R"(g (float[N,4,6] x) => (y) <int64[1] zero = {0}, int64[1] rest = {-1}> {
    s = Shape(x)
    n = Gather(s, zero)
    t = Concat<axis = 0>(n, rest)
    y = Reshape(x, t)
  })") == "[N,24]");
}

TEST_CASE("Reshape copies dims at 0 and divides the rest at -1") {
  CHECK(inferred("g (float[N,4,6] x) => (y) <int64[3] s = {0, -1, 3}> { y = Reshape(x, s) }") == "[N,8,3]");
  CHECK(inferred("g (float[N,4,6] x) => (y) <int64[2] s = {-1, 24}> { y = Reshape(x, s) }") == "[N,24]");
}

TEST_CASE("a shape from the graph's input is known by its length alone") {
  CHECK(inferred("g (float[N,4,6] x, int64[2] s) => (y) { y = Reshape(x, s) }") == "[?,?]");
}

TEST_CASE("Slice to the end keeps a symbolic dim, any other slice of it is unknown") {
  CHECK(inferred(R"(g (float[N,4] x) => (y) <int64[1] from = {0}, int64[1] to = {9223372036854775807}> {
    y = Slice(x, from, to)
  })") == "[N,4]");
  CHECK(inferred(
            "g (float[N,4] x) => (y) <int64[1] from = {1}, int64[1] to = {9}> { y = Slice(x, from, to) }") ==
        "[?,4]");
}

TEST_CASE("a pooling over an empty plane is refused") {
  const Graph graph = graph_from_text("g (float[1,2,0] x) => (float[1,2,1] y) { y = GlobalAveragePool(x) }");
  CHECK_THROWS_WITH_AS(evaluate(graph, {Tensor(DataType::float32, {1, 2, 0})}),
                       doctest::Contains("nothing to pool"), UserError);
}

TEST_CASE("packed elements are moved one by one") {
  // int4 [3] 1, 2, 3 in two bytes, low bits first
  const Graph graph = graph_from_text("g (float[3] x) => (y) <int64[2] i = {2, 0}> { y = Gather(x, i) }");
  Tensor packed(DataType::int4, {3});
  packed.mutable_bytes()[0] = std::byte{0x21};
  packed.mutable_bytes()[1] = std::byte{0x03};
  const Tensors results = evaluate(graph, {packed});
  CHECK(results[0].bytes()[0] == std::byte{0x13});
}

}  // namespace
}  // namespace edgeopt
