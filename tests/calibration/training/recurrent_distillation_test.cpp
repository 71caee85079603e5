// Recurrent layers as students.
#include <doctest/doctest.h>

#include "calibration/training/distillation.h"
#include "ir/edit.h"
#include "ir/infer.h"
#include "support/parallel.h"
#include "support/random.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

constexpr std::int64_t steps = 5, inputs = 4, hidden = 6;

Tensor normal(const Dims& dims, const std::string& stream, double deviation) {
  RandomStream random(1, stream);
  Tensor tensor(DataType::float32, dims);
  for (float& element : tensor.mutable_data<float>())
    element = static_cast<float>(deviation * random.normal());
  return tensor;
}

// x [N, steps, inputs] -> recurrent layer -> Gemm of the last state.
Graph network(const std::string& op, std::int64_t gates, const std::string& weights, double deviation) {
  const std::string output = op == "LSTM" ? "s, h, c" : "s, h";
  const std::string type = op == "LSTM" ? "<hidden_size = 6>" : "<hidden_size = 6, direction = \"reverse\">";
  Edit edit(graph_from_text(
      "<ir_version: 8, opset_import: [\"\": 14]> g (float[N,5,4] x, float[1," +
      std::to_string(gates * hidden) + ",4] w, float[1," + std::to_string(gates * hidden) +
      ",6] r, float[1," + std::to_string(2 * gates * hidden) +
      "] b, float[6,3] m) => (float[N,3] y) <int64[1] zero = {0}> { t = Transpose<perm = [1,0,2]>(x) " +
      output + " = " + op + type + "(t, w, r, b) z = Squeeze(h, zero) y = MatMul(z, m) }"));
  const auto fill = [&](const std::string& name, const Dims& dims, const std::string& stream) {
    const ValueId id = *edit.draft().find_value(name);
    const ValueId constant = edit.add_constant(normal(dims, stream, deviation), name + "_weight");
    edit.replace(id, constant);
    edit.remove_input(id);
  };
  fill("w", {1, gates * hidden, inputs}, weights);
  fill("r", {1, gates * hidden, hidden}, "r");
  fill("b", {1, 2 * gates * hidden}, "b");
  fill("m", {hidden, 3}, "m");
  return with_inferred_types(edit.apply());
}

DistillationOptions options() {
  return {.optimizer = {.learning_rate = 0.03},
          .augmentation = AugmentationOptions{},
          .step_count = 60,
          .batch_size = 16};
}

}  // namespace

TEST_CASE("a recurrent student with other input weights comes closer to its teacher") {
  const SampleSource samples = normal_samples({1, steps, inputs}, 64);
  for (const auto& [op, gates] : {std::pair("LSTM", 4), std::pair("GRU", 3), std::pair("RNN", 1)}) {
    CAPTURE(op);
    const Graph teacher = network(op, gates, "w", 0.5);
    const Graph student = network(op, gates, "others", 0.5);
    const Distilled distilled = distill(student, teacher, samples, options());
    CHECK(relative_distance(teacher, distilled.graph, samples) <
          0.2 * relative_distance(teacher, student, samples));
  }
}

TEST_CASE("a recurrent student learns the same bytes at one and two threads") {
  const SampleSource samples = normal_samples({1, steps, inputs}, 32);
  const Graph teacher = network("LSTM", 4, "w", 0.5), student = network("LSTM", 4, "others", 0.5);
  DistillationOptions few = options();
  few.step_count = 4;
  const int before = thread_count();
  set_thread_count(1);
  const Distilled one = distill(student, teacher, samples, few);
  set_thread_count(2);
  const Distilled two = distill(student, teacher, samples, few);
  set_thread_count(before);
  CHECK(one.graph == two.graph);
}

}  // namespace edgeopt
