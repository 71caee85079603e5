// A quick look at how far a float graph will be from goals of size and latency once it is quantized.
#pragma once
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "recipes/goals.h"
#include "recipes/latency.h"
#include "recipes/quantize.h"

namespace edgeopt {

struct GoalProbe {
  const Graph* original = nullptr;
  double original_bytes = 0;
  std::vector<Goal> goals;  // those of accuracy play no part
  QuantizeOptions quantize;
  SampleSource samples;  // a few are read: sizes and times do not depend on them
  Tensors inputs;        // of one timed run
  LatencyOptions latency;
};

/// The worst of the goals: what comes of the graph over what it may be; at most 1 where all hold. Weights are
/// taken as narrow as a goal of size may make them (recipes/size_goal.h).
///
/// graph   the original, or what pruning left of it
/// throws  UserError if there is a goal of latency and the models cannot be run
double goal_excess(const Graph& graph, const GoalProbe& probe);

}  // namespace edgeopt
