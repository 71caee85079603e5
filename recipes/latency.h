// How long one run takes on this machine: a distribution, after warming up, models measured in turn so that a
// drifting clock hits all of them.
#pragma once
#include <cstddef>
#include <vector>

#include "ir/graph.h"
#include "runtime/engine.h"
#include "support/progress.h"

namespace edgeopt {

struct LatencyOptions {
  int thread_count = 1;
  int run_count = 100;
  int warmup_count = 10;
  /// Measuring ends early after this long, once there are `fewest_runs`: a slow model needs no hundred runs.
  double longest_ms = 20000;
  int fewest_runs = 10;
  bool with_node_times = false;
  Progress progress;
};

struct Latency {
  std::vector<double> times_ms;  // in the order in which they were measured
  int warmup_count = 0;
  int thread_count = 1;
  std::size_t arena_bytes = 0;
  std::vector<NodeTime> nodes;  // mean per run, with_node_times only
};

/// Times every graph on its inputs (in the order of required_inputs).
/// returns  one Latency per graph
/// throws   UserError if a graph cannot be run
std::vector<Latency> measure_latency(const std::vector<const Graph*>& graphs, const Tensors& inputs,
                                     const LatencyOptions& options);

/// The value below which `percent` of the sorted numbers lie, interpolated linearly (Hyndman and Fan's
/// definition 7); 0 if there are none.
double percentile_of(std::vector<double> numbers, double percent);

}  // namespace edgeopt
