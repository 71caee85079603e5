#include "passes/framework/pipeline.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "ir/evaluate.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// Dropout hides that the Identity behind it can go; both are seen in one round or two.
constexpr std::string_view chain = R"(
  g (float[2] x) => (float[2] y)
  <float[2] a = {1, 2}, float[2] b = {3, 4}>
  {
    c = Add(a, b)
    d = Dropout(x)
    e = Identity(d)
    f = Add(e, c)
    y = Relu(f)
  })";

const StepOutcome& step_of(const PipelineOutcome& outcome, std::string_view pass) {
  for (const StepOutcome& step : outcome.steps)
    if (step.pass == pass) return step;
  throw InternalError("no such step");
}

TEST_CASE("a stage that repeats ends when nothing changes any more") {
  const Graph graph = graph_from_text(chain);
  const PipelineOutcome outcome = run_pipeline(named_pipeline("simplify"), graph, {});
  CHECK(outcome.graph.nodes().size() == 2);
  CHECK(step_of(outcome, "remove_identity").run_count == 2);
  CHECK(step_of(outcome, "remove_identity").rewrite_count == 1);
  CHECK(run_pipeline(named_pipeline("simplify"), outcome.graph, {}).graph == outcome.graph);
}

TEST_CASE("a failed check drops the pass's result, says why, and lets the other passes work") {
  const Graph graph = graph_from_text(chain);
  PipelineOptions options;
  options.check = [](const Graph&, const Graph&, const Pass& pass) -> std::optional<std::string> {
    return pass.name == "fold_constants" ? std::optional<std::string>("not today") : std::nullopt;
  };
  const PipelineOutcome outcome = run_pipeline(named_pipeline("simplify"), graph, options);
  CHECK(step_of(outcome, "fold_constants").dropped_because == "not today");
  CHECK(step_of(outcome, "fold_constants").rewrite_count == 0);
  CHECK(step_of(outcome, "fold_constants").run_count == 1);
  CHECK(step_of(outcome, "remove_identity").rewrite_count == 1);
  CHECK(outcome.graph.nodes().size() == 3);
}

TEST_CASE("a pass that is not known is named beside those that are") {
  CHECK_THROWS_AS(pipeline_of("fold_batch_nrom"), UserError);
  CHECK(pipeline_of("fold_batch_norm").stages.at(0).steps.at(0).pass == "fold_batch_norm");
}

TEST_CASE("every step of every pipeline is a pass, and gives a reason") {
  for (const Pipeline& pipeline : all_pipelines())
    for (const Stage& stage : pipeline.stages)
      for (const Step& step : stage.steps) {
        CAPTURE(pipeline.name);
        CHECK_NOTHROW(find_pass(step.pass));
        CHECK_FALSE(step.reason.empty());
      }
}

TEST_CASE("every pass of the fuse pipeline shows by golden cases what it does and what it leaves alone") {
  const std::filesystem::path folder = std::filesystem::path(EDGEOPT_SOURCE_DIR) / "tests" / "passes";
  for (const Stage& stage : named_pipeline("fuse").stages)
    for (const Step& step : stage.steps) {
      CAPTURE(step.pass);
      CHECK(std::filesystem::exists(folder / (step.pass + ".test")));
    }
}

}  // namespace
}  // namespace edgeopt
