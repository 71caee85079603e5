// What the operators say about dims that shrink together; index by index where it is arithmetic.
#include "ir/tied_dims.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "ir/infer.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// The ties of the only node as lines: "x[1] y[1]" for whole dims, "x[1]+2*3x3" for offset 2, step 3, repeat
// 3, "x[1]/2:3" for 2 copies with period 3; "#2" for a choice.
std::string line_of(const Graph& graph, const Node& node, const TiedDims& tie) {
  std::vector<std::string> words;
  for (const OperandDim& dim : tie.dims) {
    const auto& list = dim.is_output ? node.outputs : node.inputs;
    std::string word = graph.name_of(list.at(static_cast<std::size_t>(dim.operand)));
    word += "[" + std::to_string(dim.axis) + "]";
    if (dim.offset != 0) word += "+" + std::to_string(dim.offset);
    if (dim.step != 1) word += "*" + std::to_string(dim.step) + "x" + std::to_string(dim.repeat);
    if (dim.copies != 1) word += "/" + std::to_string(dim.copies) + ":" + std::to_string(dim.period);
    words.push_back(word);
  }
  std::ranges::sort(words);
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return tie.choice == 0 ? line : line + " #" + std::to_string(tie.choice);
}

std::set<std::string> ties_of(const std::string& text, int opset = 17) {
  const Graph graph = with_inferred_types(graph_from_text(text, {.opset = opset}));
  const Node& node = graph.node(graph.nodes().back());
  const std::vector<Operand> inputs = operands_of(graph, node);
  std::set<std::string> lines;
  for (const TiedDims& tie :
       tied_dims_of(*find_op(node), {.node = node, .opset = graph.opset(), .inputs = inputs}))
    lines.insert(line_of(graph, node, tie));
  return lines;
}

using Lines = std::set<std::string>;

}  // namespace

TEST_CASE("tied dims: elementwise operators tie what broadcasting does not repeat") {
  CHECK(ties_of("g (float[2,3,4] a, float[3,1] b) => (float[2,3,4] y) { y = Add(a, b) }") ==
        Lines{"a[0] y[0]", "a[1] b[0] y[1]", "a[2] y[2]"});
  CHECK(ties_of("g (float[N,3] a) => (float[N,3] y) { y = Relu(a) }") == Lines{"a[1] y[1]"});
}

TEST_CASE("tied dims: Conv ties rows to outputs and columns to inputs, groups have a choice") {
  CHECK(
      ties_of(
          "g (float[1,2,4,4] x, float[6,2,1,1] w, float[6] b) => (float[1,6,4,4] y) { y = Conv(x, w, b) }") ==
      Lines{"b[0] w[0] y[1]", "w[1] x[1]"});
  CHECK(
      ties_of("g (float[1,4,4,4] x, float[6,2,1,1] w) => (float[1,6,4,4] y) { y = Conv<group = 2>(x, w) }") ==
      Lines{"w[0]*3x3 x[1]*2x2 y[1]*3x3 #1", "w[0]/2:3 y[1]/2:3 #2", "w[1] x[1]/2:2 #2"});
  CHECK(
      ties_of("g (float[1,2,4,4] x, float[2,1,1,1] w) => (float[1,2,4,4] y) { y = Conv<group = 2>(x, w) }") ==
      Lines{"w[0] x[1] y[1]", "w[1]"});
}

TEST_CASE("tied dims: ConvTranspose has the axes of its weight the other way round") {
  CHECK(ties_of("g (float[1,2,4,4] x, float[2,6,1,1] w) => (float[1,6,4,4] y) { y = ConvTranspose(x, w) }") ==
        Lines{"w[1] y[1]", "w[0] x[1]"});
  CHECK(ties_of("g (float[1,4,4,4] x, float[4,3,1,1] w) => (float[1,6,4,4] y) { y = ConvTranspose<group = "
                "2>(x, w) }") == Lines{"w[0]*2x2 x[1]*2x2 y[1]*3x3"});
}

TEST_CASE("tied dims: matrix products tie what is summed over, rows and columns") {
  CHECK(
      ties_of(
          "g (float[2,3] a, float[4,3] b, float[4] c) => (float[2,4] y) { y = Gemm<transB = 1>(a, b, c) }") ==
      Lines{"a[0] y[0]", "b[0] c[0] y[1]", "a[1] b[1]"});
  CHECK(ties_of("g (float[5,2,3] a, float[1,3,4] b) => (float[5,2,4] y) { y = MatMul(a, b) }") ==
        Lines{"a[2] b[1]", "a[1] y[1]", "b[2] y[2]", "a[0] y[0]"});
}

TEST_CASE("tied dims: Concat, Split, Slice and Pad move channels by an offset") {
  CHECK(ties_of("g (float[1,2] a, float[1,3] b) => (float[1,5] y) { y = Concat<axis = 1>(a, b) }") ==
        Lines{"a[0] b[0] y[0]", "a[1] y[1]", "b[1] y[1]+2"});
  CHECK(ties_of("g (float[1,4] x) => (float[1,2] a, float[1,2] b) { a, b = Split<axis = 1>(x) }") ==
        Lines{"a[0] b[0] x[0]", "a[1] x[1]", "b[1] x[1]+2"});
  CHECK(ties_of("g (float[1,6] x) => (float[1,3] y) <int64[1] s = {2}, int64[1] e = {5}, int64[1] a = {1}> "
                "{ y = Slice(x, s, e, a) }") == Lines{"x[0] y[0]", "x[1]+2 y[1]", "x[1]"});
  CHECK(ties_of("g (float[1,6] x) => (float[1,3] y) <int64[1] s = {0}, int64[1] e = {6}, int64[1] a = {1}, "
                "int64[1] t = {2}> { y = Slice(x, s, e, a, t) }") == Lines{"x[0] y[0]"});
  CHECK(ties_of("g (float[1,2] x) => (float[1,5] y) <int64[4] p = {0, 1, 0, 2}> { y = Pad(x, p) }") ==
        Lines{"x[0] y[0]", "x[1] y[1]+1", "y[1]"});
  CHECK(ties_of("g (float[1,3] x) => (float[1,5] y) <int64[4] p = {0, 1, 0, 1}> { y = Pad<mode = "
                "\"edge\">(x, p) }") == Lines{"x[0] y[0]"});
}

TEST_CASE("tied dims: shapes of the same elements tie what they share, blocks have a choice") {
  CHECK(ties_of("g (float[N,3,4] x) => (float[N,12] y) { y = Flatten(x) }") ==
        Lines{"x[0] y[0]", "x[1] y[1]*4x4 #1", "x[2] y[1]/3:4 #2"});
  CHECK(ties_of("g (float[2,6] x) => (float[2,3,2] y) <int64[3] s = {2, 3, 2}> { y = Reshape(x, s) }") ==
        Lines{"x[0] y[0]", "x[1]*2x2 y[1] #1", "x[1]/3:2 y[2] #2"});
  CHECK(ties_of("g (float[4,6] x) => (float[6,4] y) <int64[2] s = {6, 4}> { y = Reshape(x, s) }") == Lines{});
  CHECK(ties_of("g (float[2,6] x, int64[2] s) => (float[a,b] y) { y = Reshape(x, s) }") == Lines{});
  CHECK(ties_of("g (float[2,1,3] x) => (float[2,3] y) <int64[1] a = {1}> { y = Squeeze(x, a) }") ==
        Lines{"x[0] y[0]", "x[2] y[1]"});
  CHECK(ties_of("g (float[2,3] x) => (float[2,1,3] y) <int64[1] a = {1}> { y = Unsqueeze(x, a) }") ==
        Lines{"x[0] y[0]", "x[1] y[2]"});
  CHECK(ties_of("g (float[2,3,4] x) => (float[4,2,3] y) { y = Transpose<perm = [2,0,1]>(x) }") ==
        Lines{"x[2] y[0]", "x[0] y[1]", "x[1] y[2]"});
}

TEST_CASE("tied dims: what is summed, compared or normalized along an axis is not among the ties") {
  CHECK(ties_of("g (float[2,3,4] x) => (float[2,4] y) { y = ReduceMax<axes = [1], keepdims = 0>(x) }") ==
        Lines{"x[0] y[0]", "x[2] y[1]"});
  CHECK(ties_of("g (float[2,3] x) => (float[2,3] y) { y = Softmax<axis = -1>(x) }") == Lines{"x[0] y[0]"});
  CHECK(ties_of("g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax<axis = 1>(x) }", 11) ==
        Lines{"x[0] y[0]"});
  CHECK(ties_of("g (float[2,3] x, float[3] s) => (float[2,3] y) { y = LayerNormalization(x, s) }") ==
        Lines{"x[0] y[0]"});
  CHECK(ties_of("g (float[1,3,2,2] x) => (float[1,3,2,2] y) { y = LRN<size = 3>(x) }") ==
        Lines{"x[0] y[0]", "x[2] y[2]", "x[3] y[3]"});
  CHECK(ties_of("g (float[1,3,2] x) => (float[1,3,2] y) { y = LpNormalization<axis = 1>(x) }") ==
        Lines{"x[0] y[0]", "x[2] y[2]"});
}

TEST_CASE("tied dims: normalizations per channel tie their parameters") {
  CHECK(ties_of("g (float[1,3,2] x, float[3] s, float[3] b) => (float[1,3,2] y) { y = "
                "InstanceNormalization(x, s, b) }") == Lines{"b[0] s[0] x[1] y[1]"});
  CHECK(ties_of("g (float[1,3,2] x, float[3] s, float[3] b, float[3] m, float[3] v) => (float[1,3,2] y) "
                "{ y = BatchNormalization(x, s, b, m, v) }") == Lines{"b[0] m[0] s[0] v[0] x[1] y[1]"});
}

TEST_CASE("tied dims: pools, resizing, gathering and tiling pass on what they leave alone") {
  CHECK(ties_of("g (float[1,3,4,4] x) => (float[1,3,2,2] y) { y = MaxPool<kernel_shape = [2,2], strides = "
                "[2,2]>(x) }") == Lines{"x[0] y[0]", "x[1] y[1]"});
  CHECK(ties_of("g (float[1,3,4,4] x) => (float[1,3,1,1] y) { y = GlobalAveragePool(x) }") ==
        Lines{"x[0] y[0]", "x[1] y[1]"});
  CHECK(ties_of("g (float[1,3,4] x) => (float[1,3,8] y) <float[3] s = {1, 1, 2}> { y = Resize(x, , s) }") ==
        Lines{"x[0] y[0]", "x[1] y[1]"});
  CHECK(ties_of("g (float[5,3] x, int64[2,2] i) => (float[2,2,3] y) { y = Gather(x, i) }") ==
        Lines{"x[1] y[2]"});
  CHECK(ties_of("g (float[3,2] x) => (float[3,4] y) <int64[2] r = {1, 2}> { y = Tile(x, r) }") ==
        Lines{"x[0] y[0]"});
  CHECK(ties_of("g (float[3,1] x) => (float[2,3,4] y) <int64[3] s = {2, 3, 4}> { y = Expand(x, s) }") ==
        Lines{"x[0] y[1]"});
}

TEST_CASE("tied dims: scales of QuantizeLinear and DequantizeLinear go with their axis") {
  CHECK(ties_of("g (float[2,3] x, float[3] s) => (uint8[2,3] y) { y = QuantizeLinear<axis = 1>(x, s) }") ==
        Lines{"x[0] y[0]", "s[0] x[1] y[1]"});
  CHECK(ties_of("g (int8[2,3] x, float[2] s, int8[2] z) => (float[2,3] y) { y = DequantizeLinear<axis = "
                "0>(x, s, z) }") == Lines{"s[0] x[0] y[0] z[0]", "x[1] y[1]"});
  CHECK(ties_of("g (int8[2,3] x, float s) => (float[2,3] y) { y = DequantizeLinear(x, s) }") ==
        Lines{"x[0] y[0]", "x[1] y[1]"});
}

}  // namespace edgeopt
