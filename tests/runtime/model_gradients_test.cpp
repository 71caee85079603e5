// Gradients of a squared error of whole models, run by the engine, against what the loss does when weights
// move along them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "ir/edit.h"
#include "ir/gradient/gradient.h"
#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "passes/framework/pass.h"
#include "passes/framework/pipeline.h"
#include "runtime/engine.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

constexpr std::uint64_t seed = 1;

// Raised to opset 13 and fused, as training takes it.
Graph prepared(const std::filesystem::path& path) {
  Graph graph = with_inferred_types(load_model(path));
  if (graph.opset() < 13)
    for (const char* pass : {"remove_constants_from_inputs", "raise_opset"})
      graph = with_inferred_types(find_pass(pass).run(graph, {}).graph);
  return run_pipeline(named_pipeline("fuse"), graph, {}).graph;
}

// The weights of products and convolutions, in the order of the nodes; at most `count`, evenly spread.
std::vector<ValueId> some_weights(const Graph& graph, std::size_t count) {
  std::vector<ValueId> all;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const bool has_weight = node.is("Conv") || node.is("Gemm") || node.is("MatMul");
    if (has_weight && graph.constant(node.inputs[1]) && std::ranges::count(all, node.inputs[1]) == 0)
      all.push_back(node.inputs[1]);
  }
  std::vector<ValueId> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[i * (all.size() - 1) / (count - 1)]);
  return some;
}

// What the outputs are to become: themselves, in another order, so that it is of their scale.
Tensor reversed(const Tensor& tensor) {
  Tensor result = tensor;
  std::ranges::reverse(result.mutable_data<float>());
  return result;
}

double squared_error(const Tensor& y, const Tensor& target) {
  double sum = 0;
  const auto count = static_cast<std::size_t>(y.element_count());
  for (std::size_t i = 0; i < count; ++i)
    sum += std::pow(static_cast<double>(y.data<float>()[i]) - target.data<float>()[i], 2);
  return sum / static_cast<double>(count);
}

struct Loss {
  Graph graph;
  ValueId value;
};

Loss with_loss(const Graph& graph, const Tensor& target) {
  Edit edit(graph);
  const ValueId difference = edit.add_node("Sub", {graph.outputs()[0], edit.add_constant(target)});
  const ValueId loss =
      edit.add_node("ReduceMean", {edit.add_node("Mul", {difference, difference})}, {{"keepdims", 0}});
  edit.add_output(loss);
  return {with_inferred_types(edit.apply()), loss};
}

Tensor moved(const Tensor& weight, const Tensor& direction, double step) {
  std::vector<double> elements = to_doubles(weight);
  const std::vector<double> by = to_doubles(direction);
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] += step * by[i];
  return from_doubles(weight.dtype(), weight.dims(), elements);
}

double length(const Tensor& tensor) {
  double sum = 0;
  for (const double x : to_doubles(tensor)) sum += x * x;
  return std::sqrt(sum);
}

// The step changes the loss by this part of it, if the gradient is right.
constexpr double relative_step = 1e-3;
// In part of the step: outputs rounded to 2^-24, in a loss of some dozens of layers to 2^-20, give 2^-20 /
// 1e-3 = 1e-3; ReLUs that switch on the way change the slope by about the step in each of up to ten layers
// that matter, 1e-2.
constexpr double tolerance = 1.1e-2;

// Moves one weight along its gradient; the loss must follow with slope |gradient|^2.
struct Experiment {
  const Graph& graph;
  const Tensors& inputs;
  const Tensor& target;

  double loss_with(ValueId weight, const Tensor& value) const {
    Edit edit(graph);
    edit.set_constant(weight, value);
    return squared_error(compile(edit.apply())->run(inputs)[0], target);
  }

  void check(ValueId weight, const Tensor& slope, double loss) const {
    CAPTURE(graph.name_of(weight));
    const Tensor value = *graph.constant(weight);
    const double steepness = length(slope);
    REQUIRE(steepness > 0);
    const double step = relative_step * loss / (steepness * steepness);
    const double ahead = loss_with(weight, moved(value, slope, step));
    const double behind = loss_with(weight, moved(value, slope, -step));
    const double measured = (ahead - behind) / (2 * step * steepness * steepness);
    CHECK(std::abs(measured - 1) <= tolerance);
  }
};

void check_model(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: there is no " << path.string());
    return;
  }
  CAPTURE(path.filename().string());
  const Graph graph = prepared(path);
  const Tensors inputs = random_inputs(graph, seed);
  const Tensor target = reversed(compile(graph)->run(inputs)[0]);
  const std::vector<ValueId> weights = some_weights(graph, 6);
  const Loss loss = with_loss(graph, target);
  const Graph backward = gradient(loss.graph, std::vector{loss.value}, weights);
  verify(backward);
  const Tensors results = compile(backward)->run(inputs);
  const Experiment experiment{graph, inputs, target};
  const double value = to_double(results[1]);
  for (std::size_t i = 0; i < weights.size(); ++i) experiment.check(weights[i], results[2 + i], value);
}

const std::filesystem::path models = EDGEOPT_SOURCE_DIR "/../shared/models";

TEST_CASE("the gradients of a residual network tell how its loss moves") {
  check_model(models / "resnet20-cifar10.onnx");
}

TEST_CASE("the gradients of networks for ImageNet tell how their loss moves") {
  check_model(models / "squeezenet-imagenet.onnx");
  check_model(models / "mobilenet_v1_025-imagenet.onnx");
}

TEST_CASE("the gradients of a transformer and a keyword spotter tell how their loss moves") {
  check_model(EDGEOPT_SOURCE_DIR "/sample_models/vision_transformer.onnx");
  check_model(EDGEOPT_SOURCE_DIR "/sample_models/ds_cnn.onnx");
}

}  // namespace
}  // namespace edgeopt
