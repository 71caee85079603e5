// Gradients through the branches of If.
#include <doctest/doctest.h>

#include <cmath>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/gradient/gradient.h"
#include "runtime/engine.h"
#include "tests/ir/gradient/finite_differences.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// 4e-11 of error per unit of third derivative and sum (finite_differences.h), both below some hundreds.
constexpr double tolerance = 1e-7;

// Both branches read x, each one of w and v alone, and the second result of `no` is one of them as it is.
std::string two_branches(const std::string& type) {
  const std::string matrix = type + "[2,3] ", row = type + "[3] ";
  return "<ir_version: 8, opset_import: [\"\": 17]> g (bool flag, " + matrix + "x, " + row + "w, " + row +
         "v) => (" + matrix + "y, " + matrix + "z) { a = Sin(x) p, q = If<then_branch = yes () => (" +
         matrix + "b, " + matrix + "c) { b = Mul(a, w) c = Exp(x) }, else_branch = no () => (" + matrix +
         "d, " + matrix +
         "e) { f = Add(x, v) d = Tanh(f) e = Identity(a) }>(flag) y = Mul(p, a) z = Mul(q, p) }";
}

Tensors inputs_with(bool flag) {
  Tensors inputs{Tensor(DataType::boolean, {})};
  inputs[0].mutable_data<bool>()[0] = flag;
  inputs.push_back(uniform_doubles({2, 3}, -1, 1, "x"));
  inputs.push_back(uniform_doubles({3}, -1, 1, "w"));
  inputs.push_back(uniform_doubles({3}, -1, 1, "v"));
  return inputs;
}

// By every input but the condition.
void check_gradients(const Graph& graph, const Tensors& inputs) {
  std::vector<std::size_t> learned;
  for (std::size_t i = 1; i < inputs.size(); ++i) learned.push_back(i);
  CHECK(gradient_error(graph, inputs, learned) <= tolerance);
}

}  // namespace

TEST_CASE("the gradient through an If is that of the branch that is taken") {
  const Graph graph = graph_from_text(two_branches("double"));
  for (const bool flag : {true, false}) check_gradients(graph, inputs_with(flag));
}

TEST_CASE("the gradient goes through an If within an If") {
  const Graph graph = graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 17]>
    g (bool flag, double[2,3] x, double[3] w, double[3] v) => (double[2,3] y) {
      y = If<then_branch = yes () => (double[2,3] p) {
               a = Mul(x, w)
               p = If<then_branch = inner () => (double[2,3] q) { q = Mul(a, x) },
                      else_branch = other () => (double[2,3] r) { r = Sub(a, v) }>(flag)
             },
             else_branch = no () => (double[2,3] s) { s = Mul(x, v) }>(flag)
    })");
  for (const bool flag : {true, false}) check_gradients(graph, inputs_with(flag));
}

TEST_CASE("a condition that depends on what is learned passes no gradient on") {
  const Graph graph = graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 17]>
    g (bool flag, double[2,3] x, double[3] w) => (double[2,3] y) {
      zero = Constant<value = double {0.0}>()
      sum = ReduceSum<keepdims = 0>(x)
      is_positive = Greater(sum, zero)
      y = If<then_branch = yes () => (double[2,3] p) { p = Mul(x, w) },
             else_branch = no () => (double[2,3] q) { q = Sin(x) }>(is_positive)
    })");
  Tensors inputs = inputs_with(true);
  inputs.pop_back();
  check_gradients(graph, inputs);
  for (double& element : inputs[1].mutable_data<double>()) element = -element;
  check_gradients(graph, inputs);
}

TEST_CASE("the engine runs the gradient of an If as its definition says") {
  const Graph exact = graph_from_text(two_branches("double")), fast = graph_from_text(two_branches("float"));
  const auto with_gradient = [](const Graph& graph) {
    return gradient(graph, graph.outputs(),
                    std::vector<ValueId>(graph.inputs().begin() + 1, graph.inputs().end()));
  };
  for (const bool flag : {true, false}) {
    const Tensors inputs = inputs_with(flag);
    Tensors floats = inputs;
    for (std::size_t i = 1; i < floats.size(); ++i) floats[i] = cast(floats[i], DataType::float32);
    const Tensors expected = evaluate(with_gradient(exact), inputs);
    const Tensors got = compile(with_gradient(fast))->run(floats);
    REQUIRE(expected.size() == got.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const std::vector<double> a = to_doubles(expected[i]), b = to_doubles(got[i]);
      // Some dozens of float operations on numbers of about 1.
      for (std::size_t k = 0; k < a.size(); ++k) CHECK(std::abs(a[k] - b[k]) < 1e-5);
    }
  }
}

TEST_CASE("the gradient goes through a Concat behind an If that leaves the rank open") {
  const Graph graph = graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 17]>
    g (bool flag, double[2,3] x) => (double[M,K] y) {
      front = Constant<value = int64[1] {0}>()
      a, b = If<then_branch = yes () => (double[2,3] p, double[2,3] q) { p = Sin(x) q = Cos(x) },
                else_branch = no () => (double[1,2,3] r, double[1,2,3] s) {
                  t = Mul(x, x) r = Unsqueeze(t, front) s = Unsqueeze(x, front) }>(flag)
      c = Concat<axis = -2>(a, b)
      y = Mul(c, c)
    })");
  for (const bool flag : {true, false}) {
    Tensors inputs = inputs_with(flag);
    inputs.resize(2);
    check_gradients(graph, inputs);
  }
}

}  // namespace edgeopt
