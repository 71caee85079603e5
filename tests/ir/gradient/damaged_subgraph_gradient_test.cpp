// Gradients of nodes whose subgraphs do not fit them: refused, as by inference and by running.
#include <doctest/doctest.h>

#include <array>

#include "ir/gradient/gradient.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// d(first output) / dx
void take_gradient(const std::string& text) {
  const Graph graph = graph_from_text("<ir_version: 8, opset_import: [\"\": 17]> " + text);
  gradient(graph, std::array{graph.outputs()[0]}, std::array{*graph.find_value("x")});
}

}  // namespace

TEST_CASE("an If with more outputs than its branches has no gradient") {
  CHECK_THROWS_AS(take_gradient(R"(
    g (bool c, float[2] x) => (float[2] y) {
      p, y = If<then_branch = a () => (float[2] s) { s = Sin(x) },
                else_branch = b () => (float[2] t) { t = Cos(x) }>(c) })"),
                  UserError);
}

TEST_CASE("a Loop with more outputs than its body has no gradient") {
  CHECK_THROWS_AS(take_gradient(R"(
    g (int64 n, bool c, float[2] x) => (float[2] y) {
      p, q, y = Loop<body = b (int64 i, bool d, float[2] s) => (bool d2, float[2] t, float[2] u)
                     { d2 = Identity(d) t = Sin(s) u = Cos(s) }>(n, c, x) })"),
                  UserError);
}

TEST_CASE("a Loop with a carried value left out has no gradient") {
  CHECK_THROWS_AS(take_gradient(R"(
    g (int64 n, bool c, float[2] x) => (float[2] y) {
      p, y = Loop<body = b (int64 i, bool d, float[2] s, float[2] r) => (bool d2, float[2] t, float[2] u)
                  { d2 = Identity(d) t = Sin(s) u = Mul(r, x) }>(n, c, , x) })"),
                  UserError);
}

TEST_CASE("a Scan whose body has fewer or more inputs than the node has no gradient") {
  CHECK_THROWS_AS(take_gradient(R"(
    g (float[2] s, float[3,2] x) => (float[2] y) {
      y = Scan<num_scan_inputs = 1, body = b (float[2] a) => (float[2] t) { t = Sin(a) }>(s, x) })"),
                  UserError);
  CHECK_THROWS_AS(take_gradient(R"(
    g (float[2] s, float[3,2] x) => (float[2] y) {
      y = Scan<num_scan_inputs = 1, body = b (float[2] a, float[2] e, float[2] f) => (float[2] t)
          { g = Mul(a, e) t = Mul(g, f) }>(s, x) })"),
                  UserError);
}

TEST_CASE("a Scan with a state left out has no gradient") {
  CHECK_THROWS_AS(take_gradient(R"(
    g (float[3,2] x) => (float[2] y) {
      y = Scan<num_scan_inputs = 1, body = b (float[2] a, float[2] e) => (float[2] t) { t = Mul(a, e) }>(, x) })"),
                  UserError);
}

TEST_CASE("a Scan with more outputs than its body has no gradient") {
  CHECK_THROWS_AS(take_gradient(R"(
    g (float[2] s, float[3,2] x) => (float[2] y) {
      p, q, y = Scan<num_scan_inputs = 1, body = b (float[2] a, float[2] e) => (float[2] t, float[2] u)
          { t = Mul(a, e) u = Sin(t) }>(s, x) })"),
                  UserError);
}

}  // namespace edgeopt
