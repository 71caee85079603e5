// Simplify and fuse, every step checked against the original.
#pragma once
#include <string>
#include <vector>

#include "passes/framework/pipeline.h"
#include "recipes/comparison.h"

namespace edgeopt {

struct FuseOutcome {
  Graph graph;
  std::vector<StepOutcome> steps;
  WorstDifference difference;  // of the result from the original, on the comparison set
  std::string checked_on;      // what the check ran on; empty if nothing could be run
  std::string unchecked_because;
};

/// Runs a pipeline; a pass after which the outputs leave `tolerance` is dropped and named in its step.
FuseOutcome fuse_model(const Graph& original, const Pipeline& pipeline, const ComparisonSet& comparison,
                       double tolerance = fused_tolerance);

}  // namespace edgeopt
