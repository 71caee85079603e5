#include "recipes/distill.h"

#include <doctest/doctest.h>

#include <string>

#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {

TEST_CASE("a model of an opset without gradients is raised, trained and left at the later one") {
  const Graph teacher = graph_from_text(R"(
    <ir_version: 6, opset_import: ["": 11]>
    g (float[N,2] x) => (float[N,2] y)
    <float[2,2] w = {1, 2, 3, 4}, float[2] b = {1, -1}> { y = Gemm(x, w, b) })");
  const Graph student = graph_from_text(R"(
    <ir_version: 6, opset_import: ["": 11]>
    g (float[N,2] x) => (float[N,2] y)
    <float[2,2] w = {1, 2, 3, 4}, float[2] b = {0.9, -0.9}> { y = Gemm(x, w, b) })");
  const SampleSource samples = normal_samples({1, 2}, 32);
  const Distilled distilled = distill_model(
      student, teacher, samples, {.optimizer = {.learning_rate = 3e-3}, .step_count = 60, .batch_size = 8});
  CHECK(distilled.graph.opset() == 13);
  CHECK(relative_distance(teacher, distilled.graph, samples) <
        0.5 * relative_distance(teacher, student, samples));
}

TEST_CASE("a model that has gradients keeps its opset") {
  const Graph model = small_teacher();
  const Distilled distilled =
      distill_model(model, model, normal_samples({1, 2, 6, 6}, 16), {.step_count = 2, .batch_size = 4});
  CHECK(distilled.graph.opset() == model.opset());
}

TEST_CASE("weights that an old exporter lists among the inputs are learned, and no inputs of the result") {
  for (const char* opset : {"11", "13"}) {
    const auto model = [&](const std::string& b) {
      return graph_from_text(std::string("<ir_version: 3, opset_import: [\"\": ") + opset + R"(]>
        g (float[N,2] x, float[2,2] w, float[2] b) => (float[N,2] y)
        <float[2,2] w = {1, 2, 3, 4}, float[2] b = )" +
                             b + "> { y = Gemm(x, w, b) }");
    };
    const Graph teacher = model("{1, -1}"), student = model("{0.9, -0.9}");
    const SampleSource samples = normal_samples({1, 2}, 32);
    const Distilled distilled = distill_model(
        student, teacher, samples, {.optimizer = {.learning_rate = 3e-3}, .step_count = 60, .batch_size = 8});
    CHECK(distilled.graph.inputs().size() == 1);
    CHECK(distilled.graph.opset() == 13);
    CHECK(relative_distance(teacher, distilled.graph, samples) <
          0.5 * relative_distance(teacher, student, samples));
  }
}

TEST_CASE("a default that callers may override is no weight: it is left alone") {
  const Graph model = graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 13]>
    g (float[N,2] x, float[2] b) => (float[N,2] y)
    <float[2,2] w = {1, 2, 3, 4}, float[2] b = {1, -1}> { y = Gemm(x, w, b) })");
  const Distilled distilled =
      distill_model(model, model, normal_samples({1, 2}, 32), {.step_count = 2, .batch_size = 8});
  CHECK(distilled.parameter_count == 4);
  CHECK(distilled.graph.inputs().size() == 2);
  CHECK(distilled.graph.value(distilled.graph.inputs()[1]).constant->data<float>()[0] == 1);
}

TEST_CASE("a teacher of an older opset is read by its own rules, whatever the student's opset") {
  // The axes of ReduceSum and ReduceMean moved from an attribute to an input: at 21 the attribute says
  // nothing.
  const Graph teacher = graph_from_text(R"(
    <ir_version: 7, opset_import: ["": 13]>
    g (float[N,3,4] x) => (float[N,4] y)
    <float[4] b = {1, 2, 3, 4}> { m = ReduceMean<axes = [1], keepdims = 0>(x) y = Add(m, b) })");
  const Graph student = graph_from_text(R"(
    <ir_version: 10, opset_import: ["": 21]>
    g (float[N,3,4] x) => (float[N,4] y)
    <float[4] b = {1, 2, 3, 4}, int64[1] axes = {1}> { m = ReduceMean<keepdims = 0>(x, axes) y = Add(m, b) })");
  const Distilled distilled =
      distill_model(student, teacher, normal_samples({1, 3, 4}, 32),
                    {.optimizer = {.learning_rate = 1e-9}, .step_count = 2, .batch_size = 4});
  CHECK(distilled.history.front().held_back_loss < 1e-9);  // they are one function: float rounding alone
  CHECK(distilled.graph.opset() == 21);
}

TEST_CASE("a label that is no class is refused, not written beside the row") {
  const Graph model = small_teacher();
  SampleSource samples = normal_samples({1, 2, 6, 6}, 16);
  samples.has_labels = true;
  samples.labels.assign(16, 5);  // of classes 0 to 4
  samples.read = [read = samples.read](std::int64_t i) {
    Sample sample = read(i);
    sample.label = 5;
    return sample;
  };
  CHECK_THROWS_AS(
      distill_model(model, model, samples, {.loss = {.labels = 1}, .step_count = 2, .batch_size = 4}),
      UserError);
}

}  // namespace edgeopt
