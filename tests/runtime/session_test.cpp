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

TEST_CASE("a square matrix that one node reads as it lies and another transposed is packed for each") {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{3, 48}});
  const ValueId w = edit.add_constant(normal_floats({48, 48}, "w"));
  edit.add_output(edit.add_node("MatMul", {x, w}));
  edit.add_output(edit.add_node("Gemm", {x, w}, {{"transB", 1}}));
  edit.add_output(edit.add_node("Gemm", {x, w}));
  const Graph graph = edit.apply();
  const Tensors inputs = {normal_floats({3, 48}, "x")};
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

// The branch: y = outer op outer
GraphPtr branch_of(const char* op) {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId outer = edit.add_captured("outer");
  edit.add_output(edit.add_node(op, {outer, outer}));
  return std::make_shared<const Graph>(edit.apply());
}

TEST_CASE("an If runs the branch that its condition names, on values from outside") {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N")}});
  const ValueId condition = edit.add_input("c", {.dtype = DataType::boolean, .shape = Shape{}});
  const ValueId y = edit.add_node("Relu", {x});
  edit.add_output(
      edit.add_node({.op_type = "If",
                     .inputs = {condition},
                     .attributes = {{"then_branch", branch_of("Add")}, {"else_branch", branch_of("Mul")}},
                     .captures = {{"outer", y}}})[0]);
  const auto session = compile(edit.apply());
  const Tensor input = Tensor::of<float>({3}, {-1, 3, 4});
  for (int round = 0; round < 2; ++round) {
    CHECK(session->run({input, Tensor::scalar(true)})[0] == Tensor::of<float>({3}, {0, 6, 8}));
    CHECK(session->run({input, Tensor::scalar(false)})[0] == Tensor::of<float>({3}, {0, 9, 16}));
  }
}

Quantization per_tensor(float scale, std::int32_t zero_point) {
  return {.dtype = DataType::uint8, .scales = {scale}, .zero_points = {zero_point}};
}

ValueId convert(Edit& edit, const char* op, ValueId value, const Quantization& by) {
  return edit.add_node(op, {value, edit.add_constant(Tensor::scalar(by.scale())),
                            edit.add_constant(Tensor::scalar(static_cast<std::uint8_t>(by.zero_point())))});
}

ValueId integer_weights(Edit& edit, Dims dims) {
  RandomStream random(1, "integer weights");
  Tensor weights(DataType::int8, std::move(dims));
  for (std::int8_t& w : weights.mutable_data<std::int8_t>()) w = static_cast<std::int8_t>(random.below(255));
  return edit.add_node("DequantizeLinear",
                       {edit.add_constant(weights), edit.add_constant(Tensor::scalar(0.01f)),
                        edit.add_constant(Tensor::scalar(std::int8_t{0}))});
}

// DQ -> Conv -> Clip -> Q -> DQ -> Conv -> Q -> DQ -> Add(first) -> Relu -> Q
Graph quantized_residual_graph() {
  const Quantization x_q = per_tensor(0.03f, 117);
  const Quantization a_q = per_tensor(0.05f, 0);
  const Quantization b_q = per_tensor(0.31f, 128);
  const Attributes padded = {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}};
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const ValueId x = edit.add_input("x", {.dtype = DataType::uint8, .shape = Shape{1, 5, 9, 8}});
  const ValueId first = edit.add_node(
      "Conv", {convert(edit, "DequantizeLinear", x, x_q), integer_weights(edit, {16, 5, 3, 3})}, padded);
  const ValueId clipped = edit.add_node(
      "Clip", {first, edit.add_constant(Tensor::scalar(0.0f)), edit.add_constant(Tensor::scalar(6.0f))});
  const ValueId a = convert(edit, "DequantizeLinear", convert(edit, "QuantizeLinear", clipped, a_q), a_q);
  const ValueId second = edit.add_node("Conv", {a, integer_weights(edit, {16, 16, 3, 3})}, padded);
  const ValueId b = convert(edit, "DequantizeLinear", convert(edit, "QuantizeLinear", second, b_q), b_q);
  const ValueId sum = edit.add_node("Relu", {edit.add_node("Add", {b, a})});
  // A coarser step than those before it, so that a step of difference there is at most one here.
  edit.add_output(convert(edit, "QuantizeLinear", sum, per_tensor(0.4f, 0)));
  return edit.apply();
}

TEST_CASE("a quantized block runs in integers alone and agrees with its float meaning") {
  const Graph graph = quantized_residual_graph();
  RandomStream random(1, "integers");
  Tensor x(DataType::uint8, {1, 5, 9, 8});
  for (std::uint8_t& element : x.mutable_data<std::uint8_t>())
    element = static_cast<std::uint8_t>(random.below(256));
  CHECK(executed_kernels(graph, {x}) == std::vector<std::string>{"conv", "conv", "quantized_add"});
  const std::vector<double> expected = to_doubles(evaluate(graph, {x})[0]);
  const std::vector<double> got = to_doubles(compile(graph)->run({x})[0]);
  std::size_t equal_count = 0;
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    equal_count += expected[i] == got[i];
    largest = std::max(largest, std::abs(expected[i] - got[i]));
  }
  // The two round alike but where a real result lies within a float rounding of a tie.
  CHECK(100 * equal_count >= 99 * expected.size());
  CHECK(largest <= 1);
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
