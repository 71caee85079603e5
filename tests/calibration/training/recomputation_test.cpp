#include "calibration/training/recomputation.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "calibration/training/distillation.h"
#include "calibration/training/distillation_graph.h"
#include "ir/edit.h"
#include "ir/gradient/gradient.h"
#include "ir/infer.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "tests/calibration/training/teaching.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

struct Step {
  Graph graph;
  std::vector<NodeId> forward;
};

// The sum of the squares of y, and its gradient by x.
Step step_of(const Graph& model) {
  Edit edit(model);
  const ValueId loss = edit.add_node("ReduceSumSquare", {model.outputs()[0]}, {{"keepdims", 0}});
  edit.remove_output(0);
  edit.add_output(loss);
  const Graph forward = edit.apply();
  return {.graph = gradient(forward, forward.outputs(), std::vector{forward.inputs()[0]}),
          .forward = {forward.nodes().begin(), forward.nodes().end()}};
}

Graph parsed(const std::string& body) {
  return with_inferred_types(graph_from_text(
      "<ir_version: 8, opset_import: [\"\": 15]> g (float[1,4,16,16] x) => (float[1,4,16,16] y) " + body));
}

// A chain of functions whose gradients all read what went in or came out.
Graph chain() {
  std::string nodes, last = "x";
  for (int i = 0; i < 16; ++i) {
    const std::string name = i == 15 ? "y" : "v" + std::to_string(i);
    nodes += name + " = " + (i % 2 == 0 ? "Sin" : "Tanh") + "(" + last + ")\n";
    last = name;
  }
  return parsed("{ " + nodes + " }");
}

Tensors inputs() { return normal_samples({1, 4, 16, 16}, 1).read(0).inputs; }

struct Run {
  Tensors outputs;
  std::size_t bytes = 0;
};

Run run(const Graph& graph) {
  const auto session = compile(graph);
  Run result{.outputs = session->run(inputs())};
  result.bytes = session->arena_bytes();
  return result;
}

}  // namespace

TEST_CASE("a chain cut into four needs at most two thirds of the memory and gives the same bytes") {
  const Step step = step_of(chain());
  const Run whole = run(step.graph);
  const Run cut = run(with_recomputation(step.graph, step.forward, 4));
  CHECK(cut.outputs == whole.outputs);
  // 16 values are kept; then three at the cuts and four of the segment at hand.
  CHECK(3 * cut.bytes < 2 * whole.bytes);
}

TEST_CASE("a skip over all cuts is kept once and not computed again") {
  const Graph model =
      parsed("{ s = Exp(x) a = Sin(s) b = Sin(a) c = Sin(b) d = Sin(c) e = Sin(d) y = Mul(e, s) }");
  const Step step = step_of(model);
  const Graph cut = with_recomputation(step.graph, step.forward, 3);
  CHECK(run(cut).outputs == run(step.graph).outputs);
  const auto count = [&](const char* op) {
    return std::ranges::count_if(cut.nodes(), [&](NodeId id) { return cut.node(id).is(op); });
  };
  CHECK(count("Exp") == 1);
  CHECK(count("Sin") > 5);
}

TEST_CASE("what branches alone read going backwards is computed again too") {
  std::string nodes =
      "zero = Constant<value = float {0.0}>() sum = ReduceSum<keepdims = 0>(x) up = Greater(sum, zero) ";
  for (int i = 0; i < 16; ++i) {
    const std::string k = std::to_string(i), from = i == 0 ? "x" : "v" + std::to_string(i - 1);
    nodes += "v" + k + " = If<then_branch = yes () => (float[1,4,16,16] p" + k + ") { p" + k + " = Sin(" +
             from + ") }, else_branch = no () => (float[1,4,16,16] q" + k + ") { q" + k + " = Tanh(" + from +
             ") }>(up) ";
  }
  const Step step = step_of(parsed("{ " + nodes + " y = Identity(v15) }"));
  const Run whole = run(step.graph);
  const Run cut = run(with_recomputation(step.graph, step.forward, 4));
  CHECK(cut.outputs == whole.outputs);
  CHECK(3 * cut.bytes < 2 * whole.bytes);
}

TEST_CASE("one segment leaves the step alone") {
  const Step step = step_of(chain());
  CHECK(with_recomputation(step.graph, step.forward, 1) == step.graph);
}

TEST_CASE("random numbers are left alone: they would differ the second time") {
  const Graph model = parsed(
      "{ a = Tanh(x) n = RandomNormal<shape = [1, 4, 16, 16], seed = 3.0>() b = Mul(a, n) c = Sin(b) d = "
      "Tanh(c) e = Sin(d) y = "
      "Tanh(e) }");
  const Step step = step_of(model);
  for (const std::int64_t segments : {2, 3, 4}) {
    const Graph cut = with_recomputation(step.graph, step.forward, segments);
    CHECK(std::ranges::count_if(cut.nodes(), [&](NodeId id) { return cut.node(id).is("RandomNormal"); }) ==
          1);
  }
}

TEST_CASE("a step that fits is left alone, one that does not is cut until it fits") {
  const Step step = step_of(chain());
  const std::size_t whole = run(step.graph).bytes;
  const FittingStep same = fitting_step(step.graph, step.forward, inputs(), whole);
  CHECK(same.segment_count == 1);
  CHECK(same.graph == step.graph);
  const FittingStep less = fitting_step(step.graph, step.forward, inputs(), 2 * whole / 3);
  CHECK(less.segment_count > 1);
  CHECK(less.bytes <= 2 * whole / 3);
}

TEST_CASE("a limit below what is possible is an error") {
  const Step step = step_of(chain());
  CHECK_THROWS_AS(fitting_step(step.graph, step.forward, inputs(), 1000), UserError);
}

TEST_CASE("a student learns the same bytes in less memory") {
  const SampleSource samples = patterned_samples({1, 2, 6, 6}, 48);
  const Graph teacher = small_teacher();
  const Graph student = quantized_student(teacher, samples, 3);
  const DistillationGraph step = distillation_graph(teacher, make_trainable(student, {}), {}, {});
  const Graph cut = with_recomputation(step.graph, step.forward, 2);
  CHECK(cut.nodes().size() > step.graph.nodes().size());
  DistillationOptions options{.step_count = 12, .batch_size = 16};
  const Distilled free = distill(student, teacher, samples, options);
  // Below what a step of 8 samples keeps: it takes about 60 kB in each of one or two threads.
  options.largest_memory_bytes = 70000;
  CHECK(distill(student, teacher, samples, options).graph == free.graph);
}

}  // namespace edgeopt
