#include "passes/framework/pipeline.h"

#include <fmt/format.h>

#include <chrono>

#include "ir/infer.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class PipelineRun {
 public:
  PipelineRun(const Graph& graph, const PipelineOptions& options)
      : graph_(with_inferred_types(graph)), options_(options) {}

  void run(const Stage& stage) {
    const std::size_t first = steps_.size();
    for (const Step& step : stage.steps) steps_.push_back({.pass = step.pass, .stage = stage.name});
    const int round_count = stage.repeats ? options_.max_round_count : 1;
    for (int round = 0; round < round_count; ++round) {
      bool has_changed = false;
      for (std::size_t i = first; i < steps_.size(); ++i) has_changed |= run(steps_[i]);
      if (!has_changed) break;
    }
  }

  PipelineOutcome take() { return {.graph = std::move(graph_), .steps = std::move(steps_)}; }

 private:
  // True if the pass changed the graph.
  bool run(StepOutcome& step) {
    if (step.dropped_because) return false;
    const Pass& pass = find_pass(step.pass);
    const Clock::time_point start = Clock::now();
    PassOutcome outcome = while_doing(fmt::format("pass {}{}", pass.name, history()), [&] {
      PassOutcome result = pass.run(graph_, options_.context);
      if (result.rewrite_count > 0) {
        result.graph = with_inferred_types(result.graph);
        verify(result.graph);
      }
      return result;
    });
    step.time_ms += milliseconds_since(start);
    ++step.run_count;
    step.declined = std::move(outcome.declined);
    if (outcome.rewrite_count == 0) return false;
    if (options_.check) step.dropped_because = options_.check(graph_, outcome.graph, pass);
    if (step.dropped_because) return false;
    step.rewrite_count += outcome.rewrite_count;
    graph_ = std::move(outcome.graph);
    return true;
  }

  // " (after a, b)": the passes that changed the graph so far.
  std::string history() const {
    std::string names;
    for (const StepOutcome& step : steps_)
      if (step.rewrite_count > 0) names += (names.empty() ? "" : ", ") + step.pass;
    return names.empty() ? "" : fmt::format(" (after {})", names);
  }

  Graph graph_;
  const PipelineOptions& options_;
  std::vector<StepOutcome> steps_;
};

}  // namespace

const Pipeline& named_pipeline(std::string_view name) {
  std::string names;
  for (const Pipeline& pipeline : all_pipelines()) {
    if (pipeline.name == name) return pipeline;
    names += (names.empty() ? "" : ", ") + pipeline.name;
  }
  throw UserError(fmt::format("there is no pipeline '{}'; there are {}", name, names));
}

Pipeline pipeline_of(std::string_view pass) {
  const Pass& found = find_pass(pass);
  return {.name = found.name,
          .summary = found.summary,
          .stages = {{.name = found.name, .steps = {{.pass = found.name, .reason = "asked for by name"}}}}};
}

PipelineOutcome run_pipeline(const Pipeline& pipeline, const Graph& graph, const PipelineOptions& options) {
  PipelineRun run(graph, options);
  for (const Stage& stage : pipeline.stages) run.run(stage);
  return run.take();
}

}  // namespace edgeopt
