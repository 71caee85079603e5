// Layers inside the branches of If, and the bodies of Scan and Loop, as students.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <set>

#include "calibration/training/batches.h"
#include "calibration/training/distillation.h"
#include "calibration/training/with_parameters.h"
#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/infer.h"
#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// The sign of the sample's sum chooses. `yes` has its weights as initializers, `no` as Constant nodes, and a
// branch in which one of them is read; both read s from outside.
const char* const branches = R"(
    <ir_version: 8, opset_import: ["": 17]>
    g (float[1,4] x) => (float[1,3] y) <float[3] s = {1.0, 1.5, 0.5}> {
      zero = Constant<value = float {0.0}>()
      sum = ReduceSum<keepdims = 0>(x)
      is_positive = Greater(sum, zero)
      z = If<then_branch = yes () => (float[1,3] p)
             <float[4,3] w = {0.5, -0.2, 0.3, 0.1, 0.6, -0.4, 0.2, 0.2, 0.7, -0.3, 0.4, 0.1},
              float[3] b = {0.1, -0.1, 0.2}> {
               a = MatMul(x, w)
               c = Add(a, b)
               p = Mul(c, s)
             },
             else_branch = no () => (float[1,3] q) {
               v = Constant<value = float[4,3] {0.3, 0.2, -0.3, 0.4, -0.6, 0.4, 0.1, 0.5, 0.2, -0.2, 0.1, 0.8}>()
               d = MatMul(x, v)
               e = Identity(is_positive)
               q = If<then_branch = inner () => (float[1,3] r) { r = Mul(d, d) },
                      else_branch = other () => (float[1,3] t) <float[3] u = {0.9, 1.1, 1.2}> {
                        f = Mul(d, u)
                        t = Add(f, s)
                      }>(e)
             }>(is_positive)
      y = Identity(z)
    })";

Graph teacher() { return with_inferred_types(graph_from_text(branches)); }

void visit_graphs(const Graph& graph, const std::function<void(const Graph&)>& visit) {
  visit(graph);
  for (const NodeId id : graph.nodes())
    for (const auto& [name, attribute] : graph.node(id).attributes)
      if (const auto* subgraph = std::get_if<GraphPtr>(&attribute.data)) visit_graphs(**subgraph, visit);
}

// All names and operators with their places, and nothing of what was learned.
std::vector<std::string> form_of(const Graph& graph) {
  std::vector<std::string> form;
  visit_graphs(graph, [&](const Graph& each) {
    for (const ValueId id : each.values())
      form.push_back(each.name_of(id) + (each.value(id).constant ? " constant" : ""));
    for (const NodeId id : each.nodes()) {
      form.push_back(each.node(id).op_type + " " + each.node(id).name);
      for (const Capture& capture : each.node(id).captures) form.push_back("captures " + capture.name);
    }
  });
  return form;
}

Tensor constant_named(const Graph& graph, const std::string& name) {
  Tensor found;
  visit_graphs(graph, [&](const Graph& each) {
    if (const auto id = each.find_value(name); id && each.constant(*id)) found = *each.constant(*id);
  });
  return found;
}

Tensor moved(Tensor tensor) {
  for (std::size_t i = 0; i < tensor.data<float>().size(); ++i)
    tensor.mutable_data<float>()[i] += i % 2 == 0 ? 0.2F : -0.2F;
  return tensor;
}

// Every constant that a layer learned is another.
Graph student() {
  const Trainable trainable = make_trainable(teacher(), {});
  std::vector<Parameter> parameters = trainable.parameters;
  for (Parameter& parameter : parameters) parameter.value = moved(parameter.value);
  return with_parameters(teacher(), trainable, parameters);
}

DistillationOptions options() {
  return {.optimizer = {.learning_rate = 0.03},
          .augmentation = AugmentationOptions{},
          .step_count = 60,
          .batch_size = 16};
}

SampleSource samples() { return normal_samples({1, 4}, 64); }

}  // namespace

TEST_CASE("constants in the branches of an If, and outside but read in them, are parameters, each once") {
  const Trainable trainable = make_trainable(teacher(), {});
  std::multiset<std::string> names;
  for (const Parameter& parameter : trainable.parameters) names.insert(parameter.name);
  CHECK(names == std::multiset<std::string>{"w", "b", "s", "v", "u"});
  for (const Parameter& parameter : trainable.parameters) {
    CHECK(parameter.channel_axis == (parameter.role == ParameterRole::weight ? 1 : -1));
    CHECK((parameter.role == ParameterRole::weight) == (parameter.name == "w" || parameter.name == "v"));
  }
}

TEST_CASE("with its branches' constants as inputs a model computes the same") {
  const Trainable trainable = make_trainable(teacher(), {});
  verify(trainable.graph);
  for (std::int64_t i = 0; i < 8; ++i) {
    Tensors inputs = samples().read(i).inputs;
    const Tensors expected = evaluate(teacher(), inputs);
    for (const Parameter& parameter : trainable.parameters) inputs.push_back(parameter.value);
    CHECK(evaluate(trainable.graph, inputs) == expected);
  }
}

TEST_CASE("a model with branches comes back as it was from parameters that did not change") {
  const Trainable trainable = make_trainable(teacher(), {});
  CHECK(with_parameters(teacher(), trainable, trainable.parameters) == teacher());
}

TEST_CASE("the branches of an If learn, and the model keeps its nodes and names") {
  const Graph before = student();
  const Distilled distilled = distill(before, teacher(), samples(), options());
  CHECK(relative_distance(teacher(), distilled.graph, samples()) <
        0.2 * relative_distance(teacher(), before, samples()));
  CHECK(form_of(distilled.graph) == form_of(before));
  for (const char* name : {"w", "b", "s", "v", "u"}) {
    CAPTURE(name);
    CHECK(constant_named(distilled.graph, name) != constant_named(before, name));
  }
}

TEST_CASE("a branch that no sample takes keeps its weights") {
  SampleSource positive = samples();
  positive.read = [](std::int64_t index) {
    Sample sample = samples().read(index);
    for (float& element : sample.inputs[0].mutable_data<float>()) element = std::abs(element);
    return sample;
  };
  const Graph before = student();
  const Distilled distilled = distill(before, teacher(), positive, options());
  CHECK(constant_named(distilled.graph, "w") != constant_named(before, "w"));
  for (const char* name : {"v", "u"})
    CHECK(constant_named(distilled.graph, name) == constant_named(before, name));
}

TEST_CASE("zeros of a weight in a branch stay") {
  const Trainable trainable = make_trainable(teacher(), {});
  std::vector<Parameter> parameters = trainable.parameters;
  for (Parameter& parameter : parameters)
    for (std::size_t i = 0; i < parameter.value.data<float>().size(); i += 3)
      parameter.value.mutable_data<float>()[i] = 0;
  const Graph sparse = with_parameters(teacher(), trainable, parameters);
  const Distilled distilled = distill(sparse, teacher(), samples(), options());
  for (const char* name : {"w", "v"}) {
    const Tensor weight = constant_named(distilled.graph, name);
    for (std::size_t i = 0; i < weight.data<float>().size(); ++i)
      CHECK((weight.data<float>()[i] == 0) == (i % 3 == 0));
  }
}

TEST_CASE("with weights kept, biases in branches alone are parameters") {
  const Trainable trainable = make_trainable(teacher(), {.learns_weights = false});
  for (const Parameter& parameter : trainable.parameters) CHECK(parameter.role == ParameterRole::bias);
  CHECK(trainable.parameters.size() == 3);
}

TEST_CASE("a weight in a Constant node of the model itself is learned there") {
  const Graph graph = with_inferred_types(graph_from_text(R"(
    g (float[1,2] x) => (float[1,2] y) {
      w = Constant<value = float[2,2] {1.0, 0.5, -0.5, 1.0}>()
      y = MatMul(x, w)
    })"));
  const Trainable trainable = make_trainable(graph, {});
  REQUIRE(trainable.parameters.size() == 1);
  std::vector<Parameter> parameters = trainable.parameters;
  parameters[0].value = moved(parameters[0].value);
  const Graph changed = with_parameters(graph, trainable, parameters);
  CHECK(constant_named(changed, "w") == parameters[0].value);
  CHECK(form_of(changed) == form_of(graph));
}

TEST_CASE("the body of a Scan learns its weights, one behind a Transpose and a Slice") {
  const Graph whole = with_inferred_types(graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 17]>
    g (float[1,4] x) => (float[1,2] y) <float[1,2] h = {0.1, -0.2}> {
      steps = Transpose<perm = [1,0]>(x)
      last = Scan<num_scan_inputs = 1, body = step (float[1,2] s, float[1] one) => (float[1,2] n)
        <float[2] w = {0.4, -0.6}, float[2,3] u = {0.5, 0.2, 9.0, -0.3, 0.4, 9.0}, int64[1] from = {0},
         int64[1] to = {2}, int64[1] axis = {1}> {
          a = Mul(one, w) p = Slice(u, from, to, axis) q = Transpose<perm = [1,0]>(p)
          b = MatMul(s, q) c = Add(a, b) n = Tanh(c) }>(h, steps)
      y = Identity(last)
    })"));
  const Trainable trainable = make_trainable(whole, {});
  std::vector<Parameter> parameters = trainable.parameters;
  REQUIRE(parameters.size() == 2);
  for (Parameter& parameter : parameters) parameter.value = moved(parameter.value);
  const Graph before = with_parameters(whole, trainable, parameters);
  const Distilled distilled = distill(before, whole, samples(), options());
  CHECK(form_of(distilled.graph) == form_of(before));
  CHECK(relative_distance(whole, distilled.graph, samples()) <
        0.2 * relative_distance(whole, before, samples()));
  // What the Slice cuts off has no gradient.
  const Tensor learned = constant_named(distilled.graph, "u"), given = constant_named(before, "u");
  for (const std::size_t i : {2, 5}) CHECK(learned.data<float>()[i] == given.data<float>()[i]);
}

TEST_CASE("weights in a Loop whose carried value grows are left alone") {
  const Graph graph = with_inferred_types(graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 17]>
    g (float[1,4] x) => (float[1,3] y) <float[4,3] m = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3}> {
      count = Constant<value = int64 {2}>()
      z = Loop<body = step (int64 i, bool going, float[N,4] s) => (bool again, float[M,4] n)
        <float[4] w = {0.4, -0.6, 0.1, 0.2}> {
          again = Identity(going) a = Mul(x, w) n = Concat<axis = 0>(s, a) }>(count, , x)
      p = ReduceMean<axes = [0], keepdims = 1>(z)
      y = MatMul(p, m)
    })"));
  const Trainable trainable = make_trainable(graph, {});
  REQUIRE(trainable.parameters.size() == 1);
  CHECK(trainable.parameters[0].name == "m");
}

TEST_CASE("a constant that is not moved alone is no parameter") {
  const Graph graph = with_inferred_types(graph_from_text(R"(
    g (float[1,2] x) => (float[1,2] y) <float[2] b = {1.0, 2.0}, float[1,1] k = {3.0}, float[1,2] c = {1.0, 1.0}> {
      f = Flatten(x) s = Concat<axis = 0>(f, c) d = Exp(b) e = Add(f, d) t = ReduceSum(s) y = Mul(e, t)
    })"));
  CHECK_THROWS_AS(make_trainable(graph, {}), UserError);
}

TEST_CASE("what a branch computes counts as work, the dearer of two") {
  // Its layers: 4 x 3 multiply-adds in each; what is around them is a few dozen operations.
  CHECK(work_per_sample(teacher()) > 12);
  CHECK(work_per_sample(teacher()) < 60);
}

TEST_CASE("samples with a scalar among their inputs are batches of one") {
  const Tensors sample = {Tensor(DataType::float32, {1, 2}), Tensor::scalar<std::int64_t>(3)};
  CHECK(stacked({sample}) == sample);
  CHECK_THROWS_AS(stacked({sample, sample}), UserError);
}

}  // namespace edgeopt
