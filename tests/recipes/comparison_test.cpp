#include "recipes/comparison.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

Tensor floats(const std::vector<float>& elements) {
  return Tensor::of<float>({static_cast<std::int64_t>(elements.size())}, elements);
}

const Pass rounding_pass{.name = "some_pass", .fidelity = Fidelity::rounding};
const Pass lossy_pass{.name = "lossy_pass", .fidelity = Fidelity::lossy};

Graph scaled_by(const std::string& factor) {
  return graph_from_text("g (float[1,2] x) => (float[1,2] y) <float[1] w = {" + factor +
                         "}> { y = Mul(x, w) }");
}

}  // namespace

TEST_CASE("the relative error is the largest difference over the largest magnitude") {
  CHECK(relative_error(floats({1, -4}), floats({1, -4})) == 0);
  CHECK(relative_error(floats({1, -4}), floats({3, -4})) == 0.5);
  CHECK(relative_error(floats({0, 0}), floats({0, 1})) == infinity);
}

TEST_CASE("NaN equals NaN, an infinity itself, and neither anything else") {
  CHECK(relative_error(floats({nan, infinity, 1}), floats({nan, infinity, 1})) == 0);
  CHECK(relative_error(floats({nan, 1}), floats({1, 1})) == infinity);
  CHECK(relative_error(floats({1, 1}), floats({nan, 1})) == infinity);
  CHECK(relative_error(floats({infinity}), floats({-infinity})) == infinity);
}

TEST_CASE("other shapes and types are infinitely far apart") {
  CHECK(relative_error(floats({1, 1}), floats({1})) == infinity);
  CHECK(relative_error(floats({1}), Tensor::of<double>({1}, {1.0})) == infinity);
}

TEST_CASE("a pass that moves the outputs too far is refused by name of the output") {
  const ComparisonSet set = comparison_on_random(scaled_by("1"), 2, 1);
  const PassCheck check = check_against(set, 1e-4);
  const Graph same = scaled_by("1.00001");
  const Graph other = scaled_by("1.01");
  CHECK_FALSE(check(same, same, rounding_pass).has_value());
  const std::optional<std::string> refusal = check(same, other, rounding_pass);
  REQUIRE(refusal.has_value());
  CHECK(refusal->find("output 'y' moved by 0.01") == 0);
}

TEST_CASE("from the first lossy pass on nothing is refused") {
  const PassCheck check = check_against(comparison_on_random(scaled_by("1"), 1, 1), 1e-4);
  const Graph other = scaled_by("2");
  CHECK(check(other, other, rounding_pass).has_value());
  CHECK_FALSE(check(other, other, lossy_pass).has_value());
  CHECK_FALSE(check(other, other, rounding_pass).has_value());
}

TEST_CASE("a model that cannot run leaves nothing to compare on, and says why") {
  const Graph unknown = graph_from_text("g (float[1,2] x) => (float[1,2] y) { y = com.example.Mystery(x) }");
  const ComparisonSet set = comparison_on_random(unknown, 1, 1);
  REQUIRE(set.missing_because.has_value());
  CHECK(set.missing_because->find("Mystery") != std::string::npos);
  CHECK_FALSE(check_against(set, 1e-4));
}

TEST_CASE("open axes get sizes: one sample, and the same size for the same symbol") {
  const Graph graph =
      graph_from_text("g (float[N,T] x, float[2,N] state, float[N,T] z) => (float[N,T] y) { y = Add(x, z) }");
  const ComparisonSet set = comparison_on_random(graph, 1, 1);
  REQUIRE_FALSE(set.missing_because.has_value());
  const Tensors& inputs = set.inputs.front();
  CHECK(inputs[0].dims()[0] == 1);
  CHECK(inputs[1].dims() == Dims{2, 1});
  CHECK(inputs[0].dims() == inputs[2].dims());
}

TEST_CASE("the same seed gives the same inputs, another seed others") {
  const Graph graph = scaled_by("1");
  CHECK(comparison_on_random(graph, 2, 7).inputs == comparison_on_random(graph, 2, 7).inputs);
  CHECK(comparison_on_random(graph, 2, 7).inputs != comparison_on_random(graph, 2, 8).inputs);
}

}  // namespace edgeopt
