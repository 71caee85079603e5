#include "calibration/class_scores.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include "calibration/training/distillation_graph.h"

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

Graph graph_of(const char* text) { return with_inferred_types(graph_from_text(text)); }

std::optional<ClassScores> scores_of(const Graph& graph) {
  return class_scores_at(graph, graph.outputs()[0]);
}

void check_scores(const char* text, const char* name, std::int64_t axis) {
  const Graph graph = graph_of(text);
  const auto scores = scores_of(graph);
  REQUIRE(scores);
  CHECK(graph.name_of(scores->value) == name);
  CHECK(scores->axis == axis);
}

// The loss of a student whose bias is `shift`, against a teacher without one: KL alone.
double divergence_of(const char* output, const char* form, const char* bias) {
  const auto model = [&](const std::string& b) {
    const std::string head = std::string("g (float[1,3,1,2] x) => (") + output + " y) ";
    const std::string weights = "<float[2,3,1,1] w = {1,0,0,0,1,0}, float[2] b = " + b + "> ";
    return graph_of((head + weights + "{ c = Conv(x, w, b) " + form + " }").c_str());
  };
  const Graph teacher = model("{0.0, 0.0}");
  const Trainable student = make_trainable(model(bias), {});
  const DistillationGraph graph = distillation_graph(teacher, student, {.squared_error = 0});
  Tensors inputs = {Tensor::of<float>({1, 3, 1, 2}, {1, 2, 0, 0, 5, 5})};
  for (const Parameter& parameter : student.parameters) inputs.push_back(parameter.value);
  return to_double(evaluate(graph.graph, inputs)[0]);
}

double kl(double teacher_difference, double student_difference) {
  const auto logs = [](double difference) {
    const double sum = std::log1p(std::exp(-difference));
    return std::pair(-sum, -difference - sum);
  };
  const auto [a, b] = logs(teacher_difference);
  const auto [c, d] = logs(student_difference);
  return std::exp(a) * (a - c) + std::exp(b) * (b - d);
}

}  // namespace

TEST_CASE("class scores: what a last Softmax reads, behind reshapes too, along its axis") {
  check_scores("g (float[1,4] x) => (float[1,4] y) { s = Relu(x) y = Softmax<axis = -1>(s) }", "s", 1);
  check_scores(
      "g (float[1,4,1,1] x) => (float[1,4] y) { s = Relu(x) p = Softmax<axis = 1>(s) y = Flatten<axis = "
      "1>(p) }",
      "s", 1);
  check_scores("g (float[1,7,4] x) => (float[1,7,4] y) { s = Relu(x) y = Softmax<axis = -1>(s) }", "s", 2);
}

TEST_CASE("class scores: without a Softmax, an output with one row of classes per sample") {
  check_scores("g (float[N,4] x) => (float[N,4] y) { y = Relu(x) }", "y", 1);
  check_scores("g (float[1,4,1,1] x) => (float[1,4,1,1] y) { y = Relu(x) }", "y", 1);
}

TEST_CASE("class scores: an output with positions, or of one number, is none") {
  CHECK(!scores_of(graph_of("g (float[1,4,8,8] x) => (float[1,4,8,8] y) { y = Relu(x) }")));
  CHECK(!scores_of(graph_of("g (float[1,1] x) => (float[1,1] y) { y = Relu(x) }")));
  CHECK(!scores_of(graph_of("g (float[4] x) => (float[4] y) { y = Relu(x) }")));
}

TEST_CASE("learning compares class probabilities wherever the classes lie: mean over positions") {
  // The scores at the two positions are (1, 0) and (2, 0), of the student (1.5, 0) and (2.5, 0).
  const double expected = (kl(1, 1.5) + kl(2, 2.5)) / 2;
  CHECK(divergence_of("float[1,2,1,2]", "y = Softmax<axis = 1>(c)", "{0.5, 0.0}") ==
        doctest::Approx(expected).epsilon(1e-5));
  CHECK(divergence_of("float[1,2,1,2]", "y = Softmax<axis = 1>(c)", "{0.0, 0.0}") == doctest::Approx(0));
  // A mean over positions leaves [1,2,1,1]: scores 1.5 and 0, of the student 2 and 0.
  CHECK(divergence_of("float[1,2,1,1]", "y = GlobalAveragePool(c)", "{0.5, 0.0}") ==
        doctest::Approx(kl(1.5, 2)).epsilon(1e-5));
}

}  // namespace edgeopt
