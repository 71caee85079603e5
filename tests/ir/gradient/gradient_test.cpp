// Gradients of whole graphs: which values get one, how they are summed, and what is refused.
#include "ir/gradient/gradient.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "support/error.h"
#include "tests/ir/gradient/finite_differences.h"

namespace edgeopt {
namespace {

using Ints = std::vector<std::int64_t>;

ValueId add_doubles(Edit& edit, const std::string& name, Shape shape) {
  return edit.add_input(name, {.dtype = DataType::float64, .shape = std::move(shape)});
}

Edit new_edit() {
  Edit edit{Graph()};
  edit.set_opset("", 17);
  return edit;
}

ValueId random_constant(Edit& edit, const std::string& name, const Dims& dims) {
  return edit.add_constant(uniform_doubles(dims, -1, 1, name), name);
}

// The step's 4e-11 (finite_differences.h) times sums and third derivatives of some hundreds.
constexpr double tolerance = 1e-7;

// Compares the gradients by every input that must be given with finite differences of the sum of the outputs.
void check_gradients(const Graph& graph, const Tensors& inputs) {
  const std::vector<ValueId> wanted = required_inputs(graph);
  const Graph backward = gradient(graph, graph.outputs(), wanted);
  verify(backward);
  const Tensors results = evaluate(backward, inputs);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::vector<double> expected = numeric_gradient(graph, inputs, i);
    const std::vector<double> got = to_doubles(results[graph.outputs().size() + i]);
    REQUIRE(expected.size() == got.size());
    double scale = 1;
    for (const double each : expected) scale = std::max(scale, std::abs(each));
    for (std::size_t k = 0; k < got.size(); ++k) CHECK(std::abs(expected[k] - got[k]) <= tolerance * scale);
  }
}

Tensors uniform_inputs(const std::vector<Dims>& dims) {
  Tensors inputs;
  for (const Dims& each : dims)
    inputs.push_back(uniform_doubles(each, -1, 1, "input" + std::to_string(inputs.size())));
  return inputs;
}

TEST_CASE("a value read at several places gets the sum of their gradients") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {3});
  const ValueId y = edit.add_node("Exp", {x});
  edit.add_output(edit.add_node("Mul", {edit.add_node("Mul", {y, x}), edit.add_node("Tanh", {y})}));
  check_gradients(edit.apply(), uniform_inputs({{3}}));
}

TEST_CASE("a value that is read twice by one node gets both gradients") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {3});
  edit.add_output(edit.add_node("Mul", {x, x}));
  check_gradients(edit.apply(), uniform_inputs({{3}}));
}

TEST_CASE("gradients flow through parts that are cut, changed and joined again") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {2, 5});
  const std::vector<ValueId> parts =
      edit.add_node({.op_type = "Split",
                     .inputs = {x, edit.add_constant(int64_tensor(Ints{2, 3}))},
                     .attributes = {{"axis", 1}},
                     .output_count = 2});
  const ValueId joined =
      edit.add_node("Concat", {edit.add_node("Sigmoid", {parts[1]}), parts[0], parts[0]}, {{"axis", 1}});
  edit.add_output(edit.add_node("Mul", {joined, random_constant(edit, "w", {2, 7})}));
  check_gradients(edit.apply(), uniform_inputs({{2, 5}}));
}

TEST_CASE("an output that is wanted twice counts twice, one that is itself asked for once more") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {2});
  const ValueId y = edit.add_node("Exp", {x});
  edit.add_output(y);
  const Graph graph = edit.apply();
  const Tensors results =
      evaluate(gradient(graph, std::vector{y, y}, std::vector{x, y, x}), {Tensor::of<double>({2}, {0, 0})});
  REQUIRE(results.size() == 4);
  CHECK(results[1] == Tensor::of<double>({2}, {2, 2}));
  CHECK(results[2] == Tensor::of<double>({2}, {2, 2}));
  CHECK(results[3] == results[1]);
}

TEST_CASE("a value on which no output depends gets zeros of its shape and type") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {2});
  const ValueId unused = add_doubles(edit, "unused", {Dim("N"), 3});
  const ValueId stepped = add_doubles(edit, "stepped", {2});
  edit.add_output(edit.add_node("Add", {x, edit.add_node("Floor", {stepped})}));
  const Graph graph = edit.apply();
  const Graph backward = gradient(graph, graph.outputs(), std::vector{unused, stepped});
  const Tensors results = evaluate(backward, uniform_inputs({{2}, {4, 3}, {2}}));
  CHECK(results[1] == Tensor(DataType::float64, {4, 3}));
  CHECK(results[2] == Tensor(DataType::float64, {2}));
  CHECK(backward.nodes().size() == graph.nodes().size() + 5);  // Shape, and fill and name two gradients
}

TEST_CASE("constants and results of nodes have gradients too, named after them") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {2, 3});
  const ValueId w = edit.add_constant(uniform_doubles({3, 2}, -1, 1, "w"), "weight");
  const ValueId y = edit.add_node("MatMul", {x, w});
  edit.add_output(edit.add_node("Tanh", {y}));
  const Graph graph = edit.apply();
  const Graph backward = gradient(graph, graph.outputs(), std::vector{w, y});
  REQUIRE(backward.outputs().size() == 3);
  CHECK(backward.name_of(backward.outputs()[1]) == "weight_gradient");
  CHECK(backward.type_of(backward.outputs()[1]) == graph.type_of(w));
  CHECK(backward.type_of(backward.outputs()[2]).shape == graph.type_of(y).shape);
  CHECK(backward.outputs()[0] == graph.outputs()[0]);
}

TEST_CASE("nodes that lie on no way to an asked value need no rule") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {2, 2});
  const ValueId frozen = add_doubles(edit, "frozen", {2, 2});
  const ValueId trained = edit.add_node("Mul", {x, edit.add_node("Unique", {frozen})});
  edit.add_output(trained);
  edit.add_output(edit.add_node("Unique", {trained}));
  const Graph graph = edit.apply();
  CHECK_NOTHROW(gradient(graph, std::vector{trained}, std::vector{x}));
  CHECK_THROWS_WITH_AS(gradient(graph, graph.outputs(), std::vector{x}), doctest::Contains("Unique"),
                       UserError);
  CHECK_THROWS_WITH_AS(gradient(graph, std::vector{trained}, std::vector{frozen}),
                       doctest::Contains("Unique"), UserError);
}

TEST_CASE("what cannot be learned is the user's error") {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {4});
  const ValueId index = edit.add_input("index", {.dtype = DataType::int64, .shape = Shape{1}});
  const ValueId y = edit.add_node("Gather", {x, index});
  const ValueId is_large = edit.add_node("Greater", {y, y});
  edit.add_output(y);
  edit.add_output(is_large);
  const Graph graph = edit.apply();
  CHECK_THROWS_AS(gradient(graph, std::vector{y}, std::vector{index}), UserError);
  CHECK_THROWS_AS(gradient(graph, std::vector{is_large}, std::vector{x}), UserError);
  Edit old(graph);
  old.set_opset("", 12);
  CHECK_THROWS_WITH_AS(gradient(old.apply(), std::vector{y}, std::vector{x}), doctest::Contains("opset 12"),
                       UserError);
}

TEST_CASE("an output without a gradient of its own is refused where it matters") {
  Edit edit = new_edit();
  edit.set_opset("", 17);
  const ValueId x = add_doubles(edit, "x", {2, 3});
  const std::vector<ValueId> outputs =
      edit.add_node({.op_type = "LayerNormalization",
                     .inputs = {x, random_constant(edit, "scale", {3})},
                     .attributes = {{"stash_type", static_cast<std::int64_t>(DataType::float64)}},
                     .output_count = 2});
  edit.add_output(outputs[0]);
  edit.add_output(outputs[1]);
  const Graph graph = edit.apply();
  CHECK_NOTHROW(gradient(graph, std::vector{outputs[0]}, std::vector{x}));
  CHECK_THROWS_AS(gradient(graph, graph.outputs(), std::vector{x}), UserError);
}

// Two layers of convolution with a shortcut, normalization, pooling and a classifier, of any batch.
Graph small_network() {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {Dim("N"), 2, 6, 6});
  const ValueId w1 = add_doubles(edit, "w1", {4, 2, 3, 3}), b1 = add_doubles(edit, "b1", {4});
  const ValueId w2 = add_doubles(edit, "w2", {4, 1, 3, 3});
  const ValueId w3 = add_doubles(edit, "w3", {3, 4}), b3 = add_doubles(edit, "b3", {3});
  const Attributes padded = {{"pads", Ints{1, 1, 1, 1}}};
  Attributes depthwise = padded;
  depthwise.set("group", 4);
  const ValueId first = edit.add_node("Relu", {edit.add_node("Conv", {x, w1, b1}, padded)});
  const ValueId pooled =
      edit.add_node("MaxPool", {first}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  std::vector<ValueId> norm{edit.add_node("Conv", {pooled, w2}, depthwise)};
  for (const char* name : {"scale", "bias", "mean"}) norm.push_back(random_constant(edit, name, {4}));
  norm.push_back(edit.add_constant(uniform_doubles({4}, 0.5, 2, "variance")));
  const ValueId second = edit.add_node("HardSwish", {edit.add_node("BatchNormalization", norm)});
  const ValueId mean = edit.add_node("GlobalAveragePool", {edit.add_node("Add", {second, pooled})});
  const ValueId logits = edit.add_node("Gemm", {edit.add_node("Flatten", {mean}), w3, b3}, {{"transB", 1}});
  const ValueId log_p = edit.add_node("LogSoftmax", {logits});
  const ValueId product = edit.add_node("Mul", {log_p, random_constant(edit, "labels", {1, 3})});
  edit.add_output(edit.add_node("ReduceMean", {product}, {{"keepdims", 0}}));
  return edit.apply();
}

TEST_CASE("the gradients of a small convolutional network agree with finite differences") {
  check_gradients(small_network(),
                  uniform_inputs({{2, 2, 6, 6}, {4, 2, 3, 3}, {4}, {4, 1, 3, 3}, {3, 4}, {3}}));
}

TEST_CASE("a gradient graph knows the shapes of everything that the model knows") {
  const Graph graph = small_network();
  const Graph backward = gradient(graph, graph.outputs(), required_inputs(graph));
  for (const ValueId id : backward.values()) {
    CAPTURE(backward.name_of(id));
    CHECK(backward.type_of(id).dtype != DataType::undefined);
    const std::optional<Shape>& shape = backward.type_of(id).shape;
    REQUIRE(shape.has_value());
    CHECK(std::ranges::none_of(*shape, &Dim::is_unknown));
  }
}

TEST_CASE("the same graph gives the same gradient graph") {
  const Graph graph = small_network();
  const std::vector<ValueId> wanted = required_inputs(graph);
  CHECK(gradient(graph, graph.outputs(), wanted) == gradient(graph, graph.outputs(), wanted));
}

TEST_CASE("the forward part of a gradient graph is the graph as it was") {
  const Graph graph = small_network();
  const Graph backward = gradient(graph, graph.outputs(), required_inputs(graph));
  for (const NodeId id : graph.nodes()) CHECK(backward.node(id) == graph.node(id));
  const Tensors inputs = uniform_inputs({{2, 2, 6, 6}, {4, 2, 3, 3}, {4}, {4, 1, 3, 3}, {3, 4}, {3}});
  CHECK(evaluate(backward, inputs)[0] == evaluate(graph, inputs)[0]);
}

// [1, T, 4] -> two heads of attention -> residual, layer norm, Gelu written out.
Graph attention_block() {
  Edit edit = new_edit();
  const ValueId x = add_doubles(edit, "x", {Dim("N"), 3, 4});
  const auto heads = [&](const std::string& name, Ints order) {
    const ValueId projected = edit.add_node("MatMul", {x, add_doubles(edit, name, {4, 4})});
    const ValueId split =
        edit.add_node("Reshape", {projected, edit.add_constant(int64_tensor(Ints{0, 3, 2, 2}))});
    return edit.add_node("Transpose", {split}, {{"perm", std::move(order)}});
  };
  const ValueId q = heads("wq", {0, 2, 1, 3}), k = heads("wk", {0, 2, 3, 1}), v = heads("wv", {0, 2, 1, 3});
  const ValueId scores =
      edit.add_node("Div", {edit.add_node("MatMul", {q, k}), edit.add_constant(Tensor::scalar(1.41))});
  const ValueId context = edit.add_node("MatMul", {edit.add_node("Softmax", {scores}), v});
  const ValueId merged =
      edit.add_node("Reshape", {edit.add_node("Transpose", {context}, {{"perm", Ints{0, 2, 1, 3}}}),
                                edit.add_constant(int64_tensor(Ints{0, 3, 4}))});
  const ValueId norm = edit.add_node(
      "LayerNormalization",
      {edit.add_node("Add", {x, merged}), add_doubles(edit, "scale", {4}), add_doubles(edit, "bias", {4})});
  const ValueId erf = edit.add_node("Erf", {norm});
  const ValueId first = edit.add_node(
      "Gather", {edit.add_node("Mul", {norm, erf}), edit.add_constant(Tensor::scalar<std::int64_t>(0))},
      {{"axis", 1}});
  edit.add_output(edit.add_node("Mul", {first, random_constant(edit, "w", {4})}));
  return edit.apply();
}

TEST_CASE("the gradients of an attention block agree with finite differences") {
  check_gradients(attention_block(), uniform_inputs({{2, 3, 4}, {4, 4}, {4, 4}, {4, 4}, {4}, {4}}));
}

}  // namespace
}  // namespace edgeopt
