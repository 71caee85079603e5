// The order of passes as data, and the runner that verifies, times, counts and repeats; passes do none of
// this.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "passes/framework/pass.h"

namespace edgeopt {

struct Step {
  std::string pass;
  std::string reason;  // why here; shown by `edgeopt passes`
};

/// Steps that belong together; `repeats` until no step changes anything more.
struct Stage {
  std::string name;
  std::vector<Step> steps;
  bool repeats = false;
};

struct Pipeline {
  std::string name;
  std::string summary;
  std::vector<Stage> stages;
};

/// All pipelines, in the order in which they are shown; passes/pipelines.cpp.
const std::vector<Pipeline>& all_pipelines();
/// throws  UserError listing the pipelines if there is none of this name
const Pipeline& named_pipeline(std::string_view name);
/// A pipeline of one pass, for `--pass NAME`. throws UserError if there is no such pass
Pipeline pipeline_of(std::string_view pass);

/// Why `after` must not take the place of `before`; nothing if it may. Called for every pass that changed
/// something; a refusal drops that pass's result, and the pass is not tried again in this run.
using PassCheck =
    std::function<std::optional<std::string>(const Graph& before, const Graph& after, const Pass& pass)>;

struct PipelineOptions {
  PassContext context = {};
  PassCheck check = {};
  /// A stage that repeats ends after this many rounds. Every round that changes something removes nodes or
  /// constants, so real models end after two to four; the bound is for what nobody foresaw.
  int max_round_count = 16;
};

/// What became of one step over all rounds of its stage.
struct StepOutcome {
  std::string pass;
  std::string stage;
  int run_count = 0;
  int rewrite_count = 0;
  double time_ms = 0;
  DeclineCounts declined = {};                      // of the last run
  std::optional<std::string> dropped_because = {};  // the check's words; the graph stayed as it was
};

struct PipelineOutcome {
  Graph graph;
  std::vector<StepOutcome> steps;
};

/// Runs the stages on the graph. Types are inferred before the first step and after each step that changed
/// something, and the graph is verified.
/// throws  UserError if the graph contradicts an operator's definition;
///         InternalError naming the pass and those before it if a pass breaks a rule of Graph
PipelineOutcome run_pipeline(const Pipeline& pipeline, const Graph& graph, const PipelineOptions& options);

}  // namespace edgeopt
