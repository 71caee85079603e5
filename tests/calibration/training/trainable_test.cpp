#include "calibration/training/trainable.h"
#include "calibration/training/with_parameters.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "calibration/training/integer_places.h"
#include "calibration/training/optimizer.h"
#include "calibration/training/soft_rounding.h"
#include "ir/edit.h"
#include "ir/evaluate.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

const SampleSource& samples() {
  static const SampleSource source = normal_samples({1, 2, 6, 6}, 16);
  return source;
}

// The trainable as a session of the student's inputs.
Tensors run_trainable(const Trainable& trainable, const Tensors& inputs) {
  Tensors all = inputs;
  if (trainable.seed) all.push_back(Tensor::scalar(std::int64_t{7}));
  for (const Parameter& parameter : trainable.parameters) all.push_back(parameter.value);
  return compile(trainable.graph)->run(all);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = to_doubles(a), y = to_doubles(b);
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

}  // namespace

TEST_CASE("a trainable Q/DQ model computes what the model computes") {
  const Graph student = quantized_student(small_teacher(), samples(), 8);
  const Trainable trainable = make_trainable(student, {});
  for (std::int64_t i = 0; i < 4; ++i) {
    const Tensors inputs = samples().read(i).inputs;
    const Tensor expected = compile(student)->run(inputs)[0];
    // A sum that lies on a rounding boundary may fall to the other side: one step of one activation.
    CHECK(largest_difference(expected, run_trainable(trainable, inputs)[0]) < 0.02);
  }
}

TEST_CASE("parameters that did not change give the student back") {
  const Graph student = quantized_student(small_teacher(), samples(), 8);
  const Trainable trainable = make_trainable(student, {});
  CHECK(structural_difference(student, with_parameters(student, trainable, trainable.parameters)) ==
        std::nullopt);
}

TEST_CASE("every role of parameter is found") {
  const Trainable trainable = make_trainable(quantized_student(small_teacher(), samples(), 8), {});
  std::multiset<ParameterRole> roles;
  for (const Parameter& parameter : trainable.parameters) roles.insert(parameter.role);
  CHECK(roles.count(ParameterRole::weight) == 3);
  CHECK(roles.count(ParameterRole::bias) == 3);
  CHECK(roles.count(ParameterRole::weight_scale) == 3);
  CHECK(roles.count(ParameterRole::activation_scale) >= 3);
}

TEST_CASE("a frozen layer keeps its weight, bias and weight scale; other layers do not") {
  const Graph student = quantized_student(small_teacher(), samples(), 8);
  const Trainable trainable = make_trainable(student, {.frozen_layers = {"s"}});
  std::multiset<ParameterRole> roles;
  for (const Parameter& parameter : trainable.parameters) {
    roles.insert(parameter.role);
    CHECK_FALSE(parameter.name.starts_with("w_"));
  }
  CHECK(roles.count(ParameterRole::weight) == 2);
  CHECK(roles.count(ParameterRole::bias) == 2);
  CHECK(roles.count(ParameterRole::weight_scale) == 2);
  const Tensors inputs = samples().read(0).inputs;
  CHECK(largest_difference(compile(student)->run(inputs)[0], run_trainable(trainable, inputs)[0]) < 0.02);
}

TEST_CASE("a frozen layer of a float model is not among the parameters") {
  const Trainable trainable = make_trainable(small_teacher(), {.frozen_layers = {"y"}});
  CHECK(trainable.parameters.size() == 4);
}

TEST_CASE("a layer to freeze that is not there is refused by its name") {
  CHECK_THROWS_WITH_AS(make_trainable(small_teacher(), {.frozen_layers = {"nobody"}}),
                       "there is no layer 'nobody' with weights or biases to freeze", UserError);
}

TEST_CASE("weights start from the float graph's where it is at hand") {
  const Graph teacher = small_teacher();
  const Trainable trainable =
      make_trainable(quantized_student(teacher, samples(), 4), {.float_twin = &teacher});
  for (const Parameter& parameter : trainable.parameters)
    if (parameter.name == "v_dequantized")
      CHECK(parameter.value == *teacher.constant(*teacher.find_value("v")));
}

TEST_CASE("a changed weight is written as the nearest integers, and its bias keeps its value") {
  const Graph teacher = small_teacher();
  const Graph student = quantized_student(teacher, samples(), 8);
  const Trainable trainable = make_trainable(student, {.float_twin = &teacher});
  std::vector<Parameter> doubled = trainable.parameters;
  for (Parameter& parameter : doubled)
    if (parameter.role == ParameterRole::weight_scale || parameter.role == ParameterRole::weight)
      for (float& element : parameter.value.mutable_data<float>()) element *= 2;
  const Graph result = with_parameters(student, trainable, doubled);
  const Trainable again = make_trainable(result, {});
  for (std::size_t i = 0; i < doubled.size(); ++i) {
    const double step = doubled[i].role == ParameterRole::bias ? 1e-3 : 0.02;  // above half a step of each
    CHECK(largest_difference(again.parameters[i].value, doubled[i].value) < step);
  }
}

TEST_CASE("rounding that is learned starts as the float weight and ends at one of two integers") {
  const Graph teacher = small_teacher();
  const Graph student = quantized_student(teacher, samples(), 4);
  const Trainable trainable = make_trainable(
      student, {.float_twin = &teacher, .learns_weight_scales = false, .learns_rounding = true});
  std::vector<Parameter> parameters = trainable.parameters;
  for (Parameter& parameter : parameters)
    if (parameter.role == ParameterRole::rounding) parameter.value = hardened(parameter.value);
  // Hardened at once, it is rounding to nearest: what the student has.
  CHECK(structural_difference(student, with_parameters(student, trainable, parameters)) == std::nullopt);
}

TEST_CASE("zeros of the float weight stay zero when weights or rounding are learned") {
  Graph teacher = small_teacher();
  Edit edit(teacher);
  Tensor weight = *teacher.constant(*teacher.find_value("v"));
  for (std::size_t i = 0; i < weight.data<float>().size(); i += 2) weight.mutable_data<float>()[i] = 0;
  edit.set_constant(*teacher.find_value("v"), weight);
  teacher = edit.apply();
  const Graph student = quantized_student(teacher, samples(), 4);
  for (const bool learns_rounding : {false, true}) {
    const Trainable trainable = make_trainable(student, {.float_twin = learns_rounding ? &teacher : nullptr,
                                                         .sparse_twin = &teacher,
                                                         .learns_rounding = learns_rounding});
    std::vector<Parameter> parameters = trainable.parameters;
    Optimizer optimizer({.learning_rate = 0.5}, parameters);
    Tensors gradients;
    for (const Parameter& parameter : parameters) {
      Tensor gradient(DataType::float32, parameter.value.dims());
      std::ranges::fill(gradient.mutable_data<float>(), -1.0f);
      gradients.push_back(gradient);
    }
    for (int step = 0; step < 4; ++step) optimizer.step(parameters, gradients, 1, 1);
    const Graph learned = with_parameters(student, trainable, parameters);
    const Node* dequantize = learned.producer(*learned.find_value("v_dequantized"), "DequantizeLinear");
    const std::vector<std::int64_t> integers = to_int64s(integer_source_of(learned, *dequantize)->integers);
    std::int64_t moved = 0;
    for (std::size_t i = 0; i < integers.size(); ++i) {
      if (i % 2 == 0) CHECK(integers[i] == 0);
      moved += i % 2 == 1 && integers[i] != 0 ? 1 : 0;
    }
    CHECK(moved > 0);
  }
}

TEST_CASE("the pull on rounding is the derivative of its penalty") {
  const double sharpness = 3, weight = 0.5, step = 1e-3;
  const auto penalty = [&](double v) {
    const double h = std::clamp(1.2 / (1 + std::exp(-v)) - 0.1, 0.0, 1.0);
    return weight * (1 - std::pow(std::abs(2 * h - 1), sharpness));
  };
  for (const float v : {-1.5f, -0.3f, 0.2f, 1.9f}) {
    float gradient = 0;
    add_rounding_pull({&v, 1}, weight, sharpness, {&gradient, 1});
    const double x = static_cast<double>(v);
    const double expected = (penalty(x + step) - penalty(x - step)) / (2 * step);
    CHECK(static_cast<double>(gradient) == doctest::Approx(expected).epsilon(1e-4));
  }
}

TEST_CASE("a model with nothing to learn is refused") {
  const Graph graph = graph_from_text("g (float[N,3] x) => (float[N,3] y) { y = Relu(x) }");
  CHECK_THROWS_AS(make_trainable(graph, {}), UserError);
}

// A layer in integers whose input's scale, weight's scale and bias's scale are as the text says.
Graph integer_layer(const std::string& scales, const std::string& nodes) {
  return graph_from_text(R"(
    g (uint8[1,2] q, float f) => (float[1,2] y)
    <int8[2,2] w = {1,2,3,4}, int32[2] b = {5,6}, )" +
                         scales + "> { " + nodes + R"(
      v = DequantizeLinear<axis = 1>(w, ws)
      c = DequantizeLinear<axis = 0>(b, bs)
      y = Gemm(x, v, c) })");
}

TEST_CASE("a bias keeps its scale where that of the layer's input is computed") {
  const Graph student = integer_layer("float[2] ws = {0.5,0.25}, float[2] bs = {0.5,0.25}",
                                      "s = Abs(f) x = DequantizeLinear(q, s)");
  const Trainable trainable = make_trainable(student, {});
  CHECK(structural_difference(student, with_parameters(student, trainable, trainable.parameters)) ==
        std::nullopt);
}

TEST_CASE("a bias of one scale keeps it where the weight has one per channel") {
  const Graph student = integer_layer("float[2] ws = {0.5,0.25}, float bs = {0.5}, float s = {1}",
                                      "x = DequantizeLinear(q, s)");
  const Trainable trainable = make_trainable(student, {});
  CHECK(structural_difference(student, with_parameters(student, trainable, trainable.parameters)) ==
        std::nullopt);
}

TEST_CASE("a weight whose scale is 0 is written as its zero points") {
  const Graph student = integer_layer("float[2] ws = {0,0.25}, float[2] bs = {0.5,0.25}, float s = {1}",
                                      "x = DequantizeLinear(q, s)");
  const Node& dequantize = *student.producer(*student.find_value("v"));
  const Tensor scale = *student.constant(dequantize.inputs[1]);
  CHECK(to_int64s(rounded_to(student, dequantize, Tensor::of<float>({2, 2}, {0, 1, 0, 1}), scale)) ==
        std::vector<std::int64_t>{0, 4, 0, 4});
}

TEST_CASE("integers that a Clip without an element limits are refused or left alone") {
  const auto place = [] {
    const Graph graph = graph_from_text(R"(
      g (float[1,2] x) => (float[1,2] y) <float s = {1}, uint8 z = {0}, uint8[0] low = {}, uint8 high = {15}>
      { q = QuantizeLinear(x, s, z) c = Clip(q, low, high) y = DequantizeLinear(c, s, z) })");
    integer_place_at(graph, *graph.producer(graph.outputs()[0]));
  };
  try {
    place();
  } catch (const UserError&) {
  }
}

TEST_CASE("activations in integers of 32 bits are left as they are") {
  for (const char* type : {"int32", "uint32"}) {
    CAPTURE(type);
    const Graph graph =
        graph_from_text(std::string("g (float[1,2] x) => (float[1,2] y) <float s = {1}, ") + type +
                        " z = {0}> { q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }");
    CHECK_FALSE(integer_place_at(graph, *graph.producer(graph.outputs()[0])).has_value());
  }
}

}  // namespace edgeopt
