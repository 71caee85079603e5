// Simplify and fuse, every step checked against the original.
#include "recipes/fuse.h"

#include <utility>

namespace edgeopt {

FuseOutcome fuse_model(const Graph& original, const Pipeline& pipeline, const ComparisonSet& comparison,
                       double tolerance) {
  PipelineOutcome outcome = run_pipeline(pipeline, original, {.check = check_against(comparison, tolerance)});
  FuseOutcome result{.graph = std::move(outcome.graph), .steps = std::move(outcome.steps)};
  if (comparison.missing_because) {
    result.unchecked_because = *comparison.missing_because;
    return result;
  }
  result.checked_on = comparison.description;
  result.difference = compare_outputs(comparison, result.graph);
  return result;
}

}  // namespace edgeopt
