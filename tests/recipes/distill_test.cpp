#include "recipes/distill.h"

#include <doctest/doctest.h>

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

}  // namespace edgeopt
