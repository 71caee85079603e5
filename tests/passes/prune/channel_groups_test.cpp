// Which channels go together, and which must stay, told on small graphs; and the proof that removing channels
// that are zero everywhere changes nothing.
#include "passes/prune/channel_groups.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ir/infer.h"
#include "passes/prune/remove_channels.h"
#include "support/error.h"
#include "tests/properties/random_graph.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"
#include "tests/support/zeroed_channels.h"

namespace edgeopt {
namespace {

Graph graph_of(const std::string& text, int opset = 17) {
  return with_inferred_types(graph_from_text(with_random_constants(text), {.opset = opset}));
}

// How many units each group has, in the order of the groups.
std::vector<std::size_t> unit_counts(const Graph& graph) {
  std::vector<std::size_t> counts;
  for (const ChannelGroup& group : find_channel_groups(graph).groups) counts.push_back(group.units.size());
  return counts;
}

std::string only_reason(const Graph& graph, const std::string& layer) {
  for (const KeptLayer& kept : find_channel_groups(graph).kept)
    if (kept.node == layer) return kept.reason;
  return "";
}

void check_removal(const Graph& graph) {
  for (const double share : {0.01, 0.5}) {
    const auto fault = removal_fault(graph, share);
    CHECK_MESSAGE(!fault, fault.value_or(""));
  }
}

using Counts = std::vector<std::size_t>;

const std::string two_convs = R"(
  g (float[1,2,5,5] x) => (float[1,2,5,5] y)
  <float[4,2,1,1] w1 = RANDOM, float[4] b1 = RANDOM, float[2,4,1,1] w2 = RANDOM>
  { h = Conv(x, w1, b1) r = Relu(h) y = Conv(r, w2) })";

}  // namespace

TEST_CASE("channel groups: a channel between two Convs goes with its row, its bias and its column") {
  const Graph graph = graph_of(two_convs);
  const ChannelGroups found = find_channel_groups(graph);
  REQUIRE(found.groups.size() == 1);
  CHECK(found.groups[0].units.size() == 4);
  CHECK(found.groups[0].dims.size() == 5);  // w1 rows, b1, w2 columns, h, r
  CHECK(found.groups[0].name == "h");
  CHECK(only_reason(graph, "y") == "they are the model's output 'y'");
  check_removal(graph);
}

TEST_CASE("channel groups: an excluded layer keeps its channels, and so does who feeds it") {
  const Graph graph = graph_of(two_convs);
  CHECK(find_channel_groups(graph, {"y"}).groups.empty());
  CHECK(find_channel_groups(graph, {"h"}).kept[0].reason == "excluded on request");
  CHECK_THROWS_AS(find_channel_groups(graph, {"nobody"}), UserError);
}

TEST_CASE("channel groups: removing channels makes the constants smaller") {
  const Graph graph = graph_of(two_convs);
  const ChannelGroups found = find_channel_groups(graph);
  const Graph smaller =
      remove_channels(graph, std::vector{found.groups[0].units[0], found.groups[0].units[2]});
  CHECK(smaller.constant(*smaller.find_value("w1"))->dims() == Dims{2, 2, 1, 1});
  CHECK(smaller.constant(*smaller.find_value("b1"))->dims() == Dims{2});
  CHECK(smaller.constant(*smaller.find_value("w2"))->dims() == Dims{2, 2, 1, 1});
}

TEST_CASE("channel groups: an addition ties the channels of both sides") {
  const Graph graph = graph_of(R"(
    g (float[1,2,5,5] x) => (float[1,2,5,5] y)
    <float[4,2,1,1] w1 = RANDOM, float[4,2,1,1] w2 = RANDOM, float[2,4,1,1] w3 = RANDOM>
    { a = Conv(x, w1) b = Conv(x, w2) s = Add(a, b) y = Conv(s, w3) })");
  CHECK(unit_counts(graph) == Counts{4});
  CHECK(find_channel_groups(graph).groups[0].name == "a, b");
  check_removal(graph);
}

TEST_CASE("channel groups: an addition to the model's input keeps the channels") {
  const Graph graph = graph_of(R"(
    g (float[1,2,5,5] x) => (float[1,2,5,5] y)
    <float[2,2,1,1] w1 = RANDOM, float[2,2,1,1] w2 = RANDOM>
    { a = Conv(x, w1) s = Add(a, x) y = Conv(s, w2) })");
  CHECK(unit_counts(graph) == Counts{});
  CHECK(only_reason(graph, "a") == "they are the model's input 'x'");
}

TEST_CASE("channel groups: a shortcut of zeros ties the inner channels and frees the others") {
  const Graph graph = graph_of(R"(
    g (float[1,1,4,4] x) => (float[1,1,2,2] y)
    <float[2,1,1,1] w1 = RANDOM, float[6,2,1,1] w2 = RANDOM, float[1,6,1,1] w3 = RANDOM,
     int64[2] starts = {0, 0}, int64[2] ends = {4, 4}, int64[2] axes = {2, 3}, int64[2] steps = {2, 2},
     int64[8] pads = {0, 2, 0, 0, 0, 2, 0, 0}>
    { a = Conv(x, w1)
      b = Conv<strides = [2, 2]>(a, w2)
      cut = Slice(a, starts, ends, axes, steps)
      padded = Pad(cut, pads)
      s = Add(b, padded)
      y = Conv(s, w3) })");
  CHECK(unit_counts(graph) == Counts{2, 4});
  check_removal(graph);
}

TEST_CASE("channel groups: a depthwise Conv goes with what it reads and what it computes") {
  const Graph graph = graph_of(R"(
    g (float[1,2,5,5] x) => (float[1,2,5,5] y)
    <float[4,2,1,1] w1 = RANDOM, float[8,1,3,3] w2 = RANDOM, float[2,8,1,1] w3 = RANDOM>
    { a = Conv(x, w1) b = Conv<group = 4, pads = [1,1,1,1]>(a, w2) y = Conv(b, w3) })");
  CHECK(unit_counts(graph) == Counts{4});
  check_removal(graph);
}

TEST_CASE("channel groups: every group of a grouped Conv loses the same channels, on both sides") {
  const Graph graph = graph_of(R"(
    g (float[1,2,5,5] x) => (float[1,2,5,5] y)
    <float[6,2,1,1] w1 = RANDOM, float[4,3,1,1] w2 = RANDOM, float[2,4,1,1] w3 = RANDOM>
    { a = Conv(x, w1) b = Conv<group = 2>(a, w2) y = Conv(b, w3) })");
  CHECK(unit_counts(graph) == Counts{3, 2});
  check_removal(graph);
}

TEST_CASE("channel groups: parts of a Concat go by themselves, through a Split behind it too") {
  const Graph graph = graph_of(R"(
    g (float[1,2,5,5] x) => (float[1,2,5,5] y, float[1,2,5,5] z)
    <float[3,2,1,1] w1 = RANDOM, float[5,2,1,1] w2 = RANDOM, float[2,4,1,1] w3 = RANDOM, float[2,4,1,1] w4 = RANDOM>
    { a = Conv(x, w1) b = Conv(x, w2) c = Concat<axis = 1>(a, b)
      p, q = Split<axis = 1>(c)
      y = Conv(p, w3) z = Conv(q, w4) })");
  CHECK(unit_counts(graph) == Counts{3, 1, 4});
  check_removal(graph);
}

TEST_CASE("channel groups: behind a Flatten a channel is a block, also where channels come last") {
  const Graph graph = graph_of(R"(
    g (float[1,1,4,4] x) => (float[1,2] y)
    <float[3,1,1,1] w1 = RANDOM, float[48,2] w2 = RANDOM>
    { a = Conv(x, w1) f = Flatten(a) y = Gemm(f, w2) })");
  CHECK(unit_counts(graph) == Counts{3});
  check_removal(graph);
  const Graph last = graph_of(R"(
    g (float[1,1,4,4] x) => (float[1,2] y)
    <float[3,1,1,1] w1 = RANDOM, float[48,2] w2 = RANDOM, int64[2] shape = {1, 48}>
    { a = Conv(x, w1) t = Transpose<perm = [0,2,3,1]>(a) f = Reshape(t, shape) y = Gemm(f, w2) })");
  CHECK(unit_counts(last) == Counts{3});
  check_removal(last);
}

TEST_CASE("channel groups: a channel shuffle loses the same channel of every block") {
  const Graph graph = graph_of(R"(
    g (float[1,2,4,4] x) => (float[1,2,4,4] y)
    <float[6,2,1,1] w1 = RANDOM, float[2,6,1,1] w2 = RANDOM, int64[5] blocks = {1, 2, 3, 4, 4},
     int64[4] flat = {1, 6, 4, 4}>
    { a = Conv(x, w1) b = Reshape(a, blocks) c = Transpose<perm = [0,2,1,3,4]>(b) d = Reshape(c, flat)
      y = Conv(d, w2) })");
  CHECK(unit_counts(graph) == Counts{3});
  check_removal(graph);
}

TEST_CASE("channel groups: attention loses whole heads") {
  const Graph graph = graph_of(R"(
    g (float[1,5,4] x) => (float[1,5,4] y)
    <float[4,6] wq = RANDOM, float[4,6] wk = RANDOM, float[4,6] wv = RANDOM, float[6,4] wo = RANDOM,
     float[6] bq = RANDOM, int64[4] split = {1, 5, 3, 2}, int64[3] merge = {1, 5, 6}>
    { q = MatMul(x, wq) qb = Add(q, bq) k = MatMul(x, wk) v = MatMul(x, wv)
      q4 = Reshape(qb, split) k4 = Reshape(k, split) v4 = Reshape(v, split)
      qh = Transpose<perm = [0,2,1,3]>(q4) kh = Transpose<perm = [0,2,3,1]>(k4) vh = Transpose<perm = [0,2,1,3]>(v4)
      s = MatMul(qh, kh) p = Softmax<axis = -1>(s) o = MatMul(p, vh)
      t = Transpose<perm = [0,2,1,3]>(o) m = Reshape(t, merge) y = MatMul(m, wo) })");
  CHECK(unit_counts(graph) == Counts{3});
  check_removal(graph);
}

TEST_CASE(
    "channel groups: normalizations and gates go along, each element of their parameters with its channel") {
  const Graph graph = graph_of(R"(
    g (float[1,2,4,4] x) => (float[1,2,4,4] y)
    <float[3,2,1,1] w1 = RANDOM, float[3] scale = RANDOM, float[3] bias = RANDOM, float[3] mean = RANDOM,
     float[3] var = {1, 2, 3}, float[3,1,1] slope = RANDOM, float[3,3,1,1] gate = RANDOM, float[2,3,1,1] w2 = RANDOM>
    { a = Conv(x, w1) n = BatchNormalization(a, scale, bias, mean, var) i = InstanceNormalization(n, scale, bias)
      p = PRelu(i, slope) m = GlobalAveragePool(p) e = Conv(m, gate) h = HardSigmoid(e) s = Mul(p, h)
      y = Conv(s, w2) })");
  CHECK(unit_counts(graph) == Counts{3});
  check_removal(graph);
}

TEST_CASE(
    "channel groups: hidden units of a Gemm go, and what a Softmax or LayerNormalization sums over stays") {
  const std::string mlp = R"(
    g (float[1,4] x) => (float[1,2] y)
    <float[4,6] w1 = RANDOM, float[6] b1 = RANDOM, float[6] s = RANDOM, float[2,6] w2 = RANDOM, int64 i = {1}>
    { h = Gemm(x, w1, b1) r = NORM y = Gemm<transB = 1>(r, w2) })";
  const auto with = [&](const std::string& op) {
    std::string text = mlp;
    return graph_of(text.replace(text.find("NORM"), 4, op));
  };
  CHECK(unit_counts(with("Tanh(h)")) == Counts{6});
  check_removal(with("Tanh(h)"));
  CHECK(only_reason(with("Softmax(h)"), "h") == "Softmax 'r' needs all of them");
  CHECK(only_reason(with("LayerNormalization(h, s)"), "h") == "LayerNormalization 'r' needs all of them");
  CHECK(only_reason(with("CumSum(h, i)"), "h") == "CumSum 'r' cannot be followed");
}

TEST_CASE("channel groups: who reads sizes, or computes a new shape from them, keeps the channels") {
  const Graph graph = graph_of(R"(
    g (float[1,2,4,4] x) => (float[1,2,4,4] y, int64[4] sizes)
    <float[3,2,1,1] w1 = RANDOM, float[2,3,1,1] w2 = RANDOM>
    { a = Conv(x, w1) sizes = Shape(a) y = Conv(a, w2) })");
  CHECK(only_reason(graph, "a") == "Shape 'sizes' cannot be followed");
}

TEST_CASE("channel groups: transposed Convs, resizing, reductions and squeezing pass channels on") {
  const Graph graph = graph_of(R"(
    g (float[1,2,4,4] x) => (float[1,2] y)
    <float[2,3,2,2] w1 = RANDOM, float[3] b1 = RANDOM, float[3,1,2,2] w2 = RANDOM, float[2,3] w3 = RANDOM,
     float[4] scales = {1, 1, 2, 2}>
    { a = ConvTranspose<strides = [2,2]>(x, w1, b1) d = ConvTranspose<group = 3>(a, w2)
      r = Resize(d, , scales) p = MaxPool<kernel_shape = [2,2]>(r) m = ReduceMean<axes = [2, 3], keepdims = 0>(p)
      y = Gemm<transB = 1>(m, w3) })");
  CHECK(unit_counts(graph) == Counts{3});
  check_removal(graph);
}

TEST_CASE("channel groups: quantized weights shrink with their scales") {
  const Graph graph = graph_of(R"(
    g (float[1,2,4,4] x) => (float[1,2,4,4] y)
    <int8[3,2,1,1] q = {1, -2, 3, -4, 5, -6}, float[3] scale = {1, 2, 3}, int8[3] zero = {0, 0, 0},
     float[2,3,1,1] w2 = RANDOM>
    { w = DequantizeLinear<axis = 0>(q, scale, zero) a = Conv(x, w) y = Conv(a, w2) })");
  CHECK(unit_counts(graph) == Counts{3});
  check_removal(graph);
}

TEST_CASE("channel groups: in random graphs, too, channels that are zero everywhere go without a trace") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const auto fault = removal_fault(random_graph(seed), 0.5);
    CHECK_MESSAGE(!fault, fault.value_or(""));
  }
}

}  // namespace edgeopt
