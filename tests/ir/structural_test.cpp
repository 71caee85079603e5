// What structural_difference and operator== look at, and what they do not.
#include <doctest/doctest.h>

#include "ir/edit.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

constexpr const char* base =
    "g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Mul(x, w) b = Neg(x) y = Sub(a, b) }";

bool is_same(std::string_view other) {
  return !structural_difference(graph_from_text(base), graph_from_text(other));
}

TEST_CASE("names inside and the order of independent nodes do not count") {
  CHECK(is_same(base));
  CHECK(is_same(
      "h (float[2] x) => (float[2] y) <float[2] k = {1, 2}> { q = Neg(x) p = Mul(x, k) y = Sub(p, q) }"));
}

TEST_CASE("everything that changes the computation counts") {
  CHECK_FALSE(is_same(
      "g (float[2] z) => (float[2] y) <float[2] w = {1, 2}> { a = Mul(z, w) b = Neg(z) y = Sub(a, b) }"));
  CHECK_FALSE(is_same(
      "g (float[2] x) => (float[2] z) <float[2] w = {1, 2}> { a = Mul(x, w) b = Neg(x) z = Sub(a, b) }"));
  CHECK_FALSE(is_same(
      "g (double[2] x) => (double[2] y) <double[2] w = {1, 2}> { a = Mul(x, w) b = Neg(x) y = Sub(a, b) }"));
  CHECK_FALSE(is_same(
      "g (float[2] x) => (float[2] y) <float[2] w = {1, 3}> { a = Mul(x, w) b = Neg(x) y = Sub(a, b) }"));
  CHECK_FALSE(is_same(
      "g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Mul(x, w) b = Neg(x) y = Sub(b, a) }"));
  CHECK_FALSE(is_same(
      "g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Mul(x, w) b = Abs(x) y = Sub(a, b) }"));
  CHECK_FALSE(
      is_same("g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Mul(x, w) y = Sub(a, a) }"));
  CHECK_FALSE(
      is_same("g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Mul(x, w) b = Neg(x) c = Abs(x) y "
              "= Sub(a, b) }"));
}

TEST_CASE("attributes count by value, whatever their order") {
  const auto with = [](const std::string& attributes) {
    return graph_from_text("g (float[2] x) => (float[2] y) { y = com.x.Op<" + attributes + ">(x) }");
  };
  const Graph graph = with("a = 1, b = [1, 2]");
  CHECK_FALSE(structural_difference(graph, with("b = [1, 2], a = 1")));
  CHECK(structural_difference(graph, with("a = 1, b = [2, 1]")));
  CHECK(structural_difference(graph, with("a = 1.0, b = [1, 2]")));
  CHECK(structural_difference(graph, with("a = 1")));
}

TEST_CASE("inputs that are left out count") {
  const Graph graph = graph_from_text("g (float[2] x) => (float[2] y) { y = com.x.Op(x, , x) }");
  CHECK(structural_difference(graph,
                              graph_from_text("g (float[2] x) => (float[2] y) { y = com.x.Op(x, x, x) }")));
}

TEST_CASE("which output of a node is read counts") {
  const Graph graph =
      graph_from_text("g (float[2] x) => (float[2] y) { a, b = com.x.Op(x) y = com.x.Use(a) }");
  CHECK(structural_difference(
      graph, graph_from_text("g (float[2] x) => (float[2] y) { a, b = com.x.Op(x) y = com.x.Use(b) }")));
}

TEST_CASE("equality sees names, words and declared types, but not ids") {
  const Graph graph = graph_from_text(base);
  CHECK(graph == graph_from_text(base));
  CHECK_FALSE(
      graph ==
      graph_from_text(
          "h (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { a = Mul(x, w) b = Neg(x) y = Sub(a, b) }"));
  Edit described(graph);
  described.describe(graph.nodes()[0], [](Node& node) { node.doc = "a word"; });
  CHECK_FALSE(described.apply() == graph);
  Edit again(graph);  // the same node under another id
  const Node& neg = graph.node(graph.nodes()[1]);
  const ValueId copy = again.add_node({.op_type = "Neg", .inputs = neg.inputs, .output_names = {"copy"}})[0];
  again.replace(neg.outputs[0], copy);
  Edit named(again.apply());
  named.rename(copy, "b");
  CHECK(named.apply() == graph);
}

}  // namespace
}  // namespace edgeopt
