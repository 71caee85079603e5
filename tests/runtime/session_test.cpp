// Sessions as their users see them: shapes that change, values that only exist at run time, shared memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "runtime/engine.h"
#include "runtime/kernel.h"
#include "runtime/memory_plan.h"
#include "support/error.h"
#include "support/parallel.h"
#include "support/random.h"

namespace edgeopt {
namespace {

Tensor normal_floats(Dims dims, std::string_view stream) {
  RandomStream random(1, stream);
  Tensor tensor(DataType::float32, std::move(dims));
  for (float& x : tensor.mutable_data<float>()) x = static_cast<float>(random.normal());
  return tensor;
}

constexpr int opset = 17;

// Sums of a few dozen products in another order, relative to the largest output.
constexpr double sum_tolerance = 1e-5;

void check_close(const Tensors& expected, const Tensors& got) {
  REQUIRE(expected.size() == got.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    REQUIRE(expected[i].dims() == got[i].dims());
    const std::vector<double> a = to_doubles(expected[i]);
    const std::vector<double> b = to_doubles(got[i]);
    double scale = 0;
    double difference = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      scale = std::max(scale, std::abs(a[k]));
      difference = std::max(difference, std::abs(a[k] - b[k]));
    }
    CHECK(difference <= sum_tolerance * scale);
  }
}

// x -> Conv -> Relu -> Conv -> Add(first) -> Relu
Graph residual_graph() {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x =
      edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N"), 5, Dim("H"), Dim("W")}});
  const Attributes padded = {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}};
  const ValueId a = edit.add_node(
      "Relu", {edit.add_node("Conv", {x, edit.add_constant(normal_floats({17, 5, 3, 3}, "w"))}, padded)});
  const ValueId b = edit.add_node("Conv", {a, edit.add_constant(normal_floats({17, 17, 3, 3}, "v"))}, padded);
  edit.add_output(edit.add_node("Relu", {edit.add_node("Add", {b, a})}));
  return edit.apply();
}

TEST_CASE("a session runs inputs of any dims that the graph leaves open, in any order") {
  const Graph graph = residual_graph();
  const auto session = compile(graph);
  for (const Dims& dims : {Dims{1, 5, 6, 7}, Dims{3, 5, 6, 7}, Dims{1, 5, 1, 1}, Dims{1, 5, 6, 7},
                           Dims{2, 5, 9, 4}, Dims{1, 5, 8, 8}, Dims{3, 5, 6, 7}}) {
    const Tensors inputs = {normal_floats(dims, "x")};
    check_close(evaluate(graph, inputs), session->run(inputs));
  }
}

TEST_CASE("a residual connection is summed inside the convolution") {
  const std::vector<std::string> kernels =
      executed_kernels(residual_graph(), {normal_floats({1, 5, 6, 7}, "x")});
  CHECK(kernels == std::vector<std::string>{"conv", "conv"});
}

TEST_CASE("a run leaves its inputs as they were") {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{4}});
  edit.add_output(edit.add_node("Relu", {edit.add_node("Identity", {x})}));
  const Graph graph = edit.apply();
  const Tensor input = Tensor::of<float>({4}, {-1, 2, -3, 4});
  const Tensors outputs = compile(graph)->run({input});
  CHECK(outputs[0] == Tensor::of<float>({4}, {0, 2, 0, 4}));
  CHECK(input == Tensor::of<float>({4}, {-1, 2, -3, 4}));
}

TEST_CASE("an addend that somebody still reads is not overwritten") {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{1, 3, 4, 4}});
  const ValueId a = edit.add_node("Sigmoid", {x});
  const ValueId view = edit.add_node("Identity", {a});
  const ValueId w = edit.add_constant(normal_floats({3, 3, 1, 1}, "w"));
  const ValueId sum = edit.add_node("Add", {edit.add_node("Conv", {x, w}), view});
  edit.add_output(sum);
  edit.add_output(edit.add_node("Mul", {a, sum}));
  const Graph graph = edit.apply();
  const Tensors inputs = {normal_floats({1, 3, 4, 4}, "x")};
  check_close(evaluate(graph, inputs), compile(graph)->run(inputs));
}

TEST_CASE("values whose dims depend on the inputs' elements run too") {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{6}});
  const ValueId positive = edit.add_node("Greater", {x, edit.add_constant(Tensor::scalar(0.0f))});
  const ValueId indices = edit.add_node("Transpose", {edit.add_node("NonZero", {positive})});
  const ValueId chosen = edit.add_node("GatherND", {x, indices});
  edit.add_output(edit.add_node("Mul", {chosen, chosen}));
  const Graph graph = edit.apply();
  const auto session = compile(graph);
  CHECK(session->run({Tensor::of<float>({6}, {-1, 2, -3, 4, 0, 5})})[0] ==
        Tensor::of<float>({3}, {4, 16, 25}));
  CHECK(session->run({Tensor::of<float>({6}, {-1, -2, -3, 4, 0, -5})})[0] == Tensor::of<float>({1}, {16}));
}

TEST_CASE("inputs that contradict the graph are refused") {
  const auto session = compile(residual_graph());
  CHECK_THROWS_AS(session->run({}), UserError);
  CHECK_THROWS_AS(session->run({normal_floats({1, 4, 6, 6}, "x")}), UserError);
  CHECK_THROWS_AS(session->run({normal_floats({5, 6, 6}, "x")}), UserError);
  CHECK_THROWS_AS(session->run({Tensor(DataType::int32, {1, 5, 6, 6})}), UserError);
}

TEST_CASE("an operator that edgeopt does not know is named when the graph is compiled") {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{6}});
  edit.add_output(edit.add_node("Frobnicate", {x}));
  CHECK_THROWS_WITH_AS(compile(edit.apply()), doctest::Contains("Frobnicate"), UserError);
}

TEST_CASE("a pool computes a sample to the same bytes whichever worker gets it") {
  const Graph graph = residual_graph();
  const Tensors inputs = {normal_floats({1, 5, 6, 7}, "x")};
  const Tensors alone = compile(graph)->run(inputs);
  for (const int count : {1, 2, 4}) {
    const int before = thread_count();
    set_thread_count(count);
    SessionPool pool(graph);
    std::vector<Tensors> results(12);
    parallel_for(12, [&](std::int64_t i, int worker) {
      results[static_cast<std::size_t>(i)] = pool.session(worker).run(inputs);
    });
    for (const Tensors& result : results) CHECK(result == alone);
    set_thread_count(before);
  }
}

TEST_CASE("blocks that never live together share bytes, others do not") {
  const MemoryPlan plan = plan_memory({{.bytes = 100, .first = 0, .last = 1},
                                       {.bytes = 64, .first = 1, .last = 2},
                                       {.bytes = 100, .first = 2, .last = 3}});
  CHECK(plan.offsets[0] == plan.offsets[2]);
  CHECK(plan.offsets[1] >= 128);
  CHECK(plan.bytes == 192);
}

TEST_CASE("a profiled session tells the time of every step, with what was fused") {
  const auto session = compile(residual_graph(), {.is_profiled = true});
  session->run({normal_floats({1, 5, 6, 7}, "x")});
  std::vector<std::string> ops;
  for (const NodeTime& node : session->node_times())
    if (node.op_type != "Reorder") ops.push_back(node.op_type);
  CHECK(ops == std::vector<std::string>{"Conv+Relu", "Conv+Add+Relu"});
}

}  // namespace
}  // namespace edgeopt
