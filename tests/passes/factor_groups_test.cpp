// Where a factor per channel may move, and the proof that moving it changes nothing.
#include "passes/factor_groups.h"

#include <doctest/doctest.h>

#include <cmath>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "support/error.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

Graph graph_of(const std::string& text) {
  return with_inferred_types(graph_from_text(with_random_constants(text), {.opset = 17}));
}

// Factors between 1/4 and 4, another one for every unit.
ChannelFactors some_factors(const std::vector<FactorGroup>& groups) {
  RandomStream random(1, "factor groups test");
  ChannelFactors factors;
  for (const FactorGroup& group : groups) {
    factors.emplace_back();
    for (std::int32_t u = 0; u < group.unit_count; ++u)
      factors.back().push_back(std::exp2(2 * std::tanh(random.normal())));
  }
  return factors;
}

Tensor run_once(const Graph& graph) {
  Tensor input(DataType::float32, {2, 2, 4, 4});
  RandomStream random(2, "factor groups test input");
  for (float& element : input.mutable_data<float>()) element = static_cast<float>(random.normal());
  return evaluate(graph, {input})[0];
}

// Float rounding of a few layers; inputs and weights are around 1.
constexpr double rounding = 1e-4;

void check_same_function(const Graph& graph, const std::vector<FactorGroup>& groups) {
  const Graph scaled = with_factors(graph, groups, some_factors(groups));
  CHECK_FALSE(scaled == graph);
  const std::vector<double> before = to_doubles(run_once(graph)), after = to_doubles(run_once(scaled));
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(std::abs(after[i] - before[i]) <= rounding * (1 + std::abs(before[i])));
}

std::vector<std::int32_t> unit_counts(const std::vector<FactorGroup>& groups) {
  std::vector<std::int32_t> counts;
  for (const FactorGroup& group : groups) counts.push_back(group.unit_count);
  return counts;
}

}  // namespace

TEST_CASE("a factor moves from one Conv to the next through Relu and pools") {
  const Graph graph = graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,2,2] y)
    <float[3,2,1,1] w = RANDOM, float[3] b = RANDOM, float[5,3,1,1] v = RANDOM>
    { c = Conv(x, w, b) r = Relu(c) p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r) y = Conv(p, v) })");
  const std::vector<FactorGroup> groups = find_factor_groups(graph);
  REQUIRE(unit_counts(groups) == std::vector<std::int32_t>{3});
  CHECK(groups[0].activations.size() == 3);  // c, r, p
  check_same_function(graph, groups);
}

TEST_CASE("a depthwise Conv has its own factors on either side") {
  const Graph graph = graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y)
    <float[3,2,1,1] w = RANDOM, float[3,1,1,1] d = RANDOM, float[3] b = RANDOM, float[5,3,1,1] v = RANDOM>
    { c = Conv(x, w) r = Relu(c) e = Conv<group = 3>(r, d, b) f = Relu(e) y = Conv(f, v) })");
  const std::vector<FactorGroup> groups = find_factor_groups(graph);
  CHECK(unit_counts(groups) == std::vector<std::int32_t>{3, 3});
  check_same_function(graph, groups);
}

TEST_CASE("what meets in an Add has one factor, addends that are constant too") {
  const Graph graph = graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y)
    <float[3,2,1,1] w = RANDOM, float[3,2,1,1] u = RANDOM, float[3,1,1] a = RANDOM, float[5,3,1,1] v = RANDOM>
    { c = Conv(x, w) d = Conv(x, u) s = Add(c, d) t = Add(s, a) r = Relu(t) y = Conv(r, v) })");
  const std::vector<FactorGroup> groups = find_factor_groups(graph);
  REQUIRE(unit_counts(groups) == std::vector<std::int32_t>{3});
  CHECK(groups[0].writers.size() == 2);
  CHECK(groups[0].addends.size() == 1);
  check_same_function(graph, groups);
}

TEST_CASE("the channels of a Concat belong to what wrote them, and Flatten repeats them") {
  const Graph graph = graph_of(R"(g (float[2,2,4,4] x) => (float[2,2] y)
    <float[3,2,1,1] w = RANDOM, float[2,2,1,1] u = RANDOM, float[80,2] v = RANDOM, float[2] b = RANDOM>
    { c = Conv(x, w) d = Conv(x, u) s = Concat<axis = 1>(c, d) f = Flatten(s) y = Gemm(f, v, b) })");
  const std::vector<FactorGroup> groups = find_factor_groups(graph);
  REQUIRE(unit_counts(groups) == std::vector<std::int32_t>{5});
  CHECK(groups[0].readers.at(0).units.size() == 80);
  check_same_function(graph, groups);
}

TEST_CASE("a LayerNormalization's scale and bias take a factor, which a MatMul gives back") {
  const Graph graph = graph_of(R"(g (float[2,2,4,4] x) => (float[2,2,4,3] y)
    <float[4] s = RANDOM, float[4] b = RANDOM, float[4,3] v = RANDOM>
    { n = LayerNormalization(x, s, b) y = MatMul(n, v) })");
  const std::vector<FactorGroup> groups = find_factor_groups(graph);
  CHECK(unit_counts(groups) == std::vector<std::int32_t>{4});
  check_same_function(graph, groups);
}

TEST_CASE("a Clip bounds the factors and says so") {
  const Graph graph = graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y)
    <float[3,2,1,1] w = RANDOM, float low = {0}, float high = {6}, float[5,3,1,1] v = RANDOM>
    { c = Conv(x, w) r = Clip(c, low, high) y = Conv(r, v) })");
  const std::vector<FactorGroup> groups = find_factor_groups(graph);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].bound == 6.0);
}

TEST_CASE("no factor moves through what is not homogeneous") {
  for (const char* op : {"Sigmoid(c)", "HardSwish(c)", "Softmax<axis = 1>(c)", "Mul(c, c)", "Erf(c)"}) {
    CAPTURE(op);
    const Graph graph = graph_of(std::string(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y)
      <float[3,2,1,1] w = RANDOM, float[5,3,1,1] v = RANDOM> { c = Conv(x, w) r = )") +
                                 op + " y = Conv(r, v) }");
    CHECK(find_factor_groups(graph).empty());
  }
}

TEST_CASE("a factor moves through what pools, repeats or compares") {
  for (const char* op : {"Sub(c, a)", "Max(c, a)", "Abs(c)", "Neg(c)", "ReduceMin<axes = [3]>(c)",
                         "ReduceL2<axes = [2]>(c)", "LpPool<kernel_shape = [2, 2]>(c)", "Expand(c, shape)"}) {
    CAPTURE(op);
    const Graph graph = graph_of(std::string(R"(g (float[2,2,4,4] x) => (float y)
      <float[3,2,1,1] w = RANDOM, float[3,1,1] a = RANDOM, int64[4] shape = {2, 3, 4, 4}, float[5,3,1,1] v = RANDOM>
      { c = Conv(x, w) r = )") + op +
                                 " y = Conv(r, v) }");
    const std::vector<FactorGroup> groups = find_factor_groups(graph);
    REQUIRE(unit_counts(groups) == std::vector<std::int32_t>{3});
    check_same_function(graph, groups);
  }
}

TEST_CASE("no factor moves through a sum with what has no channels of its own") {
  for (const char* op : {"Add(c, number)", "Max(c, number)", "Add(c, d)", "Sub(d, c)"}) {
    CAPTURE(op);
    CHECK(find_factor_groups(graph_of(std::string(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y)
      <float[3,2,1,1] w = RANDOM, float[1,2,1,1] u = RANDOM, float[1] number = {1}, float[5,3,1,1] v = RANDOM>
      { c = Conv(x, w) d = Conv(x, u) r = )") +
                                      op + " y = Conv(r, v) }"))
              .empty());
  }
}

TEST_CASE("no factor moves through a MaxPool that also says where its maxima lie") {
  CHECK(find_factor_groups(graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,2,2] y, int64[2,3,2,2] where)
    <float[3,2,1,1] w = RANDOM, float[5,3,1,1] v = RANDOM>
    { c = Conv(x, w) p, where = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(c) y = Conv(p, v) })"))
            .empty());
}

TEST_CASE("no factor moves through a Clip that begins elsewhere than at 0, or a Pad of ones") {
  CHECK(find_factor_groups(graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y)
    <float[3,2,1,1] w = RANDOM, float low = {-1}, float high = {6}, float[5,3,1,1] v = RANDOM>
    { c = Conv(x, w) r = Clip(c, low, high) y = Conv(r, v) })"))
            .empty());
  CHECK(find_factor_groups(graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,4,6] y)
    <float[3,2,1,1] w = RANDOM, int64[8] p = {0, 0, 0, 1, 0, 0, 0, 1}, float one = {1}, float[5,3,1,1] v = RANDOM>
    { c = Conv(x, w) r = Pad(c, p, one) y = Conv(r, v) })"))
            .empty());
}

TEST_CASE("what the model gives out keeps its scale") {
  CHECK(find_factor_groups(graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y, float[2,3,4,4] c)
    <float[3,2,1,1] w = RANDOM, float[5,3,1,1] v = RANDOM> { c = Conv(x, w) y = Conv(c, v) })"))
            .empty());
}

TEST_CASE("a weight that two layers share keeps its channels") {
  CHECK(find_factor_groups(graph_of(R"(g (float[2,2,4,4] x) => (float[2,2,4,4] y)
    <float[2,2,1,1] w = RANDOM> { c = Conv(x, w) y = Conv(c, w) })"))
            .empty());
}

TEST_CASE("a factor of 0 is our own mistake") {
  const Graph graph = graph_of(R"(g (float[2,2,4,4] x) => (float[2,5,4,4] y)
    <float[3,2,1,1] w = RANDOM, float[5,3,1,1] v = RANDOM> { c = Conv(x, w) y = Conv(c, v) })");
  CHECK_THROWS_AS(with_factors(graph, find_factor_groups(graph), {{1, 0, 1}}), InternalError);
}

}  // namespace edgeopt
