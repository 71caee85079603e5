// Gradients through the bodies of Scan and Loop.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "ir/evaluate.h"
#include "ir/gradient/gradient.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "tests/ir/gradient/finite_differences.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// 4e-11 of error per unit of third derivative and sum (finite_differences.h), both below some hundreds.
constexpr double tolerance = 1e-7;

Graph graph_of(const std::string& text) {
  return graph_from_text("<ir_version: 8, opset_import: [\"\": 17]> " + text);
}

Tensors random_inputs(const Graph& graph) {
  Tensors inputs;
  for (const ValueId id : graph.inputs())
    inputs.push_back(uniform_doubles(*graph.static_dims_of(id), -1, 1, graph.name_of(id)));
  return inputs;
}

double error_of(const std::string& text) {
  const Graph graph = graph_of(text);
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) all.push_back(i);
  return gradient_error(graph, random_inputs(graph), all);
}

// A recurrent layer: h' = tanh(w x + u h), y = h' * h'.
std::string recurrent(const std::string& type) {
  return "g (" + type + "[2] h, " + type + "[4,3] x, " + type + "[2,3] w, " + type + "[2,2] u) => (" + type +
         "[2] last, " + type + "[4,2] y) { last, y = Scan<num_scan_inputs = 1, body = step (" + type +
         "[2] s, " + type + "[3] one) => (" + type + "[2] n, " + type +
         "[2] out) { a = MatMul(w, one) b = MatMul(u, s) c = Add(a, b) n = Tanh(c) out = Mul(n, n) }>(h, x) "
         "}";
}

std::string loop_of(const std::string& before, const std::string& body) {
  return "g (double[3] x, double[3] w) => (double[3] y) { go = Constant<value = bool {1}>() " + before +
         " y = Loop<body = step (int64 i, bool going, double[3] s) => (bool again, double[3] n) { " + body +
         " }>(count, go, x) }";
}

}  // namespace

TEST_CASE("the gradient of a Scan goes back through its states, slices and captured values") {
  CHECK(error_of(recurrent("double")) <= tolerance);
}

TEST_CASE("the gradient of a Scan whose last state alone is used") {
  CHECK(error_of(R"(
    g (double[2] h, double[4,2] x) => (double[2] last) {
    last, y = Scan<num_scan_inputs = 1, body = step (double[2] s, double[2] one) => (double[2] n, double[2] out) {
      a = Mul(s, one) n = Sin(a) out = Exp(n) }>(h, x) })") <= tolerance);
}

TEST_CASE("the gradient of a Scan whose stacked output alone is used") {
  CHECK(error_of(R"(
    g (double[2] h, double[4,2] x) => (double[4,2] y) {
    last, y = Scan<num_scan_inputs = 1, body = step (double[2] s, double[2] one) => (double[2] n, double[2] out) {
      a = Mul(s, one) n = Sin(a) out = Mul(n, s) }>(h, x) })") <= tolerance);
}

TEST_CASE("the gradient of a Scan follows its axes and directions") {
  for (const char* in : {"0, 0", "0, 1", "1, 0"})
    for (const char* out : {"0, 0", "1, 0", "0, 1"}) {
      CAPTURE(in);
      CAPTURE(out);
      CHECK(error_of(std::string(R"(
    g (double[2] h, double[2,4] x, double[4,2] z) => (double[2,4] y, double[4,2] v) {
    last, y, v = Scan<num_scan_inputs = 2, scan_input_axes = [-1, 0], scan_output_axes = [1, 0],
      scan_input_directions = [)") +
                     in + "], scan_output_directions = [" + out +
                     R"(], body = step (double[2] s, double[2] one,
      double[2] two) => (double[2] n, double[2] p, double[2] q) {
        a = Mul(s, one) n = Sin(a) p = Mul(a, two) q = Add(n, two) }>(h, x, z) })") <= tolerance);
    }
}

TEST_CASE("the gradient of a Scan without states, and of one whose body is linear") {
  CHECK(error_of(R"(
    g (double[4,3] x, double[3] w) => (double[4,3] y) {
    y = Scan<num_scan_inputs = 1, body = step (double[3] one) => (double[3] out) {
      a = Mul(one, w) out = Sin(a) }>(x) })") <= tolerance);
  CHECK(error_of(R"(
    g (double[3] h, double[4,3] x) => (double[3] last) {
    last = Scan<num_scan_inputs = 1, body = step (double[3] s, double[3] one) => (double[3] n) {
      n = Add(s, one) }>(h, x) })") <= tolerance);
}

TEST_CASE("a Scan may hand states and slices through, and count in integers") {
  CHECK(error_of(R"(
    g (double[2] h, double[4,2] x) => (double[2] last, double[4,2] y, double[4,2] same) {
    zero = Constant<value = int64 {0}>()
    last, counted, y, same = Scan<num_scan_inputs = 1, body = step (double[2] s, int64 k, double[2] one) =>
        (double[2] s, int64 k2, double[2] out, double[2] one) {
      step = Constant<value = int64 {1}>() k2 = Add(k, step) d = Cast<to = 11>(k2)
      a = Mul(s, one) out = Mul(a, d) }>(h, zero, x) })") <= tolerance);
}

TEST_CASE("the gradient goes through an If in a Scan and a Scan in a Scan") {
  CHECK(error_of(R"(
    g (double[2] h, double[4,2] x, double[2] w) => (double[2] last) {
    zero = Constant<value = double {0.0}>()
    last = Scan<num_scan_inputs = 1, body = step (double[2] s, double[2] one) => (double[2] n) {
      sum = ReduceSum<keepdims = 0>(one) is_positive = Greater(sum, zero)
      n = If<then_branch = yes () => (double[2] p) { a = Mul(s, w) p = Sin(a) },
             else_branch = no () => (double[2] q) { q = Mul(s, one) }>(is_positive) }>(h, x) })") <=
        tolerance);
  CHECK(error_of(R"(
    g (double[2] h, double[3,4,2] x, double[2] w) => (double[2] last) {
    last = Scan<num_scan_inputs = 1, body = step (double[2] s, double[4,2] rows) => (double[2] n) {
      n = Scan<num_scan_inputs = 1, body = inner (double[2] r, double[2] one) => (double[2] m) {
        a = Mul(r, w) b = Add(a, one) m = Tanh(b) }>(s, rows) }>(h, x) })") <= tolerance);
}

TEST_CASE("what a Scan is not asked for, its gradient does not compute") {
  const Graph graph = graph_of(recurrent("double"));
  const Graph backward = gradient(graph, std::vector{graph.outputs()[1]}, std::vector{graph.inputs()[2]});
  for (const NodeId id : backward.nodes())
    if (const Node& node = backward.node(id); node.is("Scan")) CHECK(node.outputs.size() == 2);
}

TEST_CASE("the gradient of a Loop with a fixed number of runs, which its body may read") {
  CHECK(error_of(loop_of("count = Constant<value = int64 {3}>()",
                         "again = Identity(going) k = Cast<to = 11>(i) a = Mul(s, w) b = Add(a, k) "
                         "n = Sin(b)")) <= tolerance);
}

TEST_CASE("the gradient of a Loop that ends by its condition") {
  // The largest element doubles until it is above 3.
  CHECK(error_of(loop_of("count = Constant<value = int64 {50}>() bound = Constant<value = double {3.0}>()",
                         "a = Abs(s) top = ReduceMax<keepdims = 0>(a) again = Less(top, bound) "
                         "two = Constant<value = double {2.0}>() b = Mul(s, two) c = Mul(w, w) "
                         "n = Add(b, c)")) <= tolerance);
}

TEST_CASE("a Loop that does not run hands its gradient through") {
  CHECK(error_of(loop_of("count = Constant<value = int64 {0}>()",
                         "again = Identity(going) a = Mul(s, w) n = Sin(a)")) <= tolerance);
}

TEST_CASE("the gradient of a Loop's stacked outputs") {
  CHECK(error_of(R"(
    g (double[3] x, double[3] w) => (double[3] last, double[3,3] y) {
    count = Constant<value = int64 {3}>()
    last, y = Loop<body = step (int64 i, bool going, double[3] s) => (bool again, double[3] n, double[3] out) {
      again = Identity(going) a = Mul(s, w) n = Sin(a) out = Mul(n, s) }>(count, , x) })") <= tolerance);
}

TEST_CASE("a Loop whose carried value grows is refused by name") {
  const Graph graph = graph_of(R"(
    g (double[3] x) => (double[N] y) {
    count = Constant<value = int64 {3}>()
    y = Loop<body = step (int64 i, bool going, double[M] s) => (bool again, double[K] n) {
      again = Identity(going) n = Concat<axis = 0>(s, x) }>(count, , x) })");
  CHECK_THROWS_WITH_AS(gradient(graph, graph.outputs(), std::vector{graph.inputs()[0]}),
                       doctest::Contains("its carried value 0, whose shape changes from [3] to [6]"),
                       UserError);
}

TEST_CASE("random numbers in a body are refused: run once more, they would differ") {
  const Graph graph = graph_of(R"(
    g (double[2] h, double[4,2] x) => (double[2] last) {
      last = Scan<num_scan_inputs = 1, body = step (double[2] s, double[2] one) => (double[2] n) {
        r = RandomUniformLike(one) a = Mul(s, r) n = Add(a, one) }>(h, x) })");
  CHECK_THROWS_WITH_AS(gradient(graph, graph.outputs(), std::vector{graph.inputs()[0]}),
                       doctest::Contains("random or unknown operators in its subgraphs"), UserError);
}

TEST_CASE("the engine runs the gradient of a Scan as its definition says") {
  const auto with_gradient = [](const Graph& graph) {
    return gradient(graph, graph.outputs(),
                    std::vector<ValueId>(graph.inputs().begin(), graph.inputs().end()));
  };
  const Graph exact = graph_of(recurrent("double"));
  const Tensors inputs = random_inputs(exact);
  Tensors floats = inputs;
  for (Tensor& tensor : floats) tensor = cast(tensor, DataType::float32);
  const Tensors expected = evaluate(with_gradient(exact), inputs);
  const Tensors got = compile(with_gradient(graph_of(recurrent("float"))))->run(floats);
  REQUIRE(expected.size() == got.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::vector<double> a = to_doubles(expected[i]), b = to_doubles(got[i]);
    // Some hundreds of float operations on numbers of about 1.
    for (std::size_t k = 0; k < a.size(); ++k) CHECK(std::abs(a[k] - b[k]) < 1e-5);
  }
}

}  // namespace edgeopt
