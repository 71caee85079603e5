// Training steps in the native engine: parameters are inputs, outputs are the loss and the gradients.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/gradient/gradient.h"
#include "runtime/engine.h"
#include "runtime/kernel.h"
#include "support/random.h"

namespace edgeopt {
namespace {

using Ints = std::vector<std::int64_t>;

struct TrainingStep {
  Graph graph;
  Tensors inputs;
};

Tensor random_floats(const Dims& dims, const std::string& name) {
  RandomStream random(1, name);
  Tensor tensor(DataType::float32, dims);
  for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(0.5 * random.normal());
  return tensor;
}

/// Builds a graph whose inputs get random elements.
struct Builder {
  Edit edit{Graph()};
  std::vector<ValueId> parameters;
  Tensors inputs;

  ValueId input(const std::string& name, Dims dims) {
    inputs.push_back(random_floats(dims, name));
    return edit.add_input(name, {.dtype = DataType::float32, .shape = to_shape(dims)});
  }
  ValueId parameter(const std::string& name, Dims dims) {
    parameters.push_back(input(name, std::move(dims)));
    return parameters.back();
  }
  ValueId conv(ValueId x, const std::string& name, Dims weight, Attributes attributes) {
    const std::int64_t channels = weight[0];
    return edit.add_node("Conv",
                         {x, parameter(name, std::move(weight)), parameter(name + "_bias", {channels})},
                         std::move(attributes));
  }
  TrainingStep finish(ValueId loss) {
    edit.add_output(loss);
    return {gradient(edit.apply(), std::vector{loss}, parameters), inputs};
  }
};

// Convolutions with stride, padding and groups, a residual sum, both kinds of pools, and a classifier.
TrainingStep small_cnn() {
  Builder build;
  build.edit.set_opset("", 18);
  Edit& edit = build.edit;
  const Attributes padded = {{"pads", Ints{1, 1, 1, 1}}};
  const ValueId x = build.input("x", {4, 3, 12, 12});
  const ValueId stem = edit.add_node("Relu", {build.conv(x, "stem", {16, 3, 3, 3}, padded)});
  const ValueId inner = build.conv(stem, "inner", {16, 16, 3, 3}, padded);
  const ValueId sum = edit.add_node("Relu", {edit.add_node("Add", {inner, stem})});
  const ValueId pooled =
      edit.add_node("MaxPool", {sum}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}});
  const ValueId depthwise =
      build.conv(pooled, "depthwise", {16, 1, 3, 3}, {{"group", 16}, {"pads", Ints{1, 1, 1, 1}}});
  const ValueId clipped = edit.add_node(
      "Clip", {depthwise, edit.add_constant(Tensor::scalar(0.0F)), edit.add_constant(Tensor::scalar(6.0F))});
  const ValueId average =
      edit.add_node("AveragePool", {clipped}, {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{1, 1, 0, 0}}});
  const ValueId mean = edit.add_node("GlobalAveragePool", {average});
  const ValueId features = edit.add_node("Flatten", {mean});
  const ValueId logits =
      edit.add_node("Gemm", {features, build.parameter("head", {5, 16}), build.parameter("head_bias", {5})},
                    {{"transB", 1}});
  const ValueId products = edit.add_node(
      "Mul", {build.input("targets", {4, 5}), edit.add_node("LogSoftmax", {logits}, {{"axis", -1}})});
  return build.finish(edit.add_node("ReduceSum", {products}, {{"keepdims", 0}}));
}

double largest(const Tensor& tensor) {
  double result = 0;
  for (const double each : to_doubles(tensor)) result = std::max(result, std::abs(each));
  return result;
}

}  // namespace

// Some ten layers, each with sums of up to a few hundred products: a few thousand roundings of 2^-24 at most.
TEST_CASE("a training step in the native engine is that of the slow evaluation") {
  const TrainingStep step = small_cnn();
  const Tensors expected = evaluate(step.graph, step.inputs);
  const Tensors got = compile(step.graph)->run(step.inputs);
  REQUIRE(expected.size() == got.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    REQUIRE(got[i].dims() == expected[i].dims());
    const std::vector<double> a = to_doubles(expected[i]), b = to_doubles(got[i]);
    for (std::size_t k = 0; k < a.size(); ++k) REQUIRE(std::abs(a[k] - b[k]) <= 1e-4 * largest(expected[i]));
  }
}

TEST_CASE("no node of a small network's training step is left to the slow evaluation") {
  const TrainingStep step = small_cnn();
  const auto kernels = executed_kernels(step.graph, step.inputs);
  CHECK(std::count(kernels.begin(), kernels.end(), "") == 0);
}

TEST_CASE("a training step gives the same bytes at any thread count and at every run") {
  const TrainingStep step = small_cnn();
  const auto session = compile(step.graph);
  const Tensors first = session->run(step.inputs);
  CHECK(session->run(step.inputs) == first);
  CHECK(compile(step.graph, {.thread_count = 4})->run(step.inputs) == first);
}

TEST_CASE("parameters that change between runs change the result") {
  const TrainingStep step = small_cnn();
  const auto session = compile(step.graph);
  const Tensors first = session->run(step.inputs);
  Tensors moved = step.inputs;
  for (float& weight : moved[1].mutable_data<float>()) weight *= 2;
  const Tensors second = session->run(moved);
  CHECK_FALSE(second == first);
  CHECK(second == compile(step.graph)->run(moved));
}

// 12 layers' results of 4 samples; gradients take the places of what is behind them.
TEST_CASE("forward values give way to gradients") {
  const TrainingStep step = small_cnn();
  const auto session = compile(step.graph);
  session->run(step.inputs);
  std::size_t all = 0;
  for (const NodeId id : step.graph.nodes())
    for (const ValueId output : step.graph.node(id).outputs)
      if (const auto dims = output == ValueId::none ? std::nullopt : step.graph.static_dims_of(output))
        all += byte_count(DataType::float32, element_count(*dims));
  CHECK(session->arena_bytes() < all / 2);
}

}  // namespace edgeopt
