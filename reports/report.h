// What one run of `optimize` found out, as plain data: everything that report.json and summary.md say.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recipes/judging.h"
#include "recipes/optimize.h"
#include "recipes/sensitivity.h"
#include "recipes/weight_widths.h"
#include "reports/provenance.h"

namespace edgeopt {

struct ModelFacts {
  NamedFile file;
  std::int64_t node_count = 0;
  std::int64_t parameter_count = 0;
  std::map<std::string, std::int64_t> operators;  // operator type -> how many
};

/// Latency of one model; `times_ms` in the order in which they were measured, warm-up left out.
struct LatencyFacts {
  std::string engine;
  int thread_count = 1;
  int warmup_count = 0;
  std::vector<double> times_ms;
  double median_ms = 0;
  double p5_ms = 0;
  double p95_ms = 0;
  double min_ms = 0;
  double mean_ms = 0;
  std::uint64_t arena_bytes = 0;
};

struct AccuracyFacts {
  std::string judged_on;  // the samples' description
  std::int64_t sample_count = 0;
  std::string caution;  // what weakens the figures: "judged on the calibration samples", ...
  std::vector<Metric> metrics;
};

struct PassFacts {
  std::string pass;
  std::string stage;
  int rewrite_count = 0;
  double time_ms = 0;
  std::vector<std::pair<std::string, int>> declined;
  std::optional<std::string> dropped_because;
};

struct KeptFloatFacts {
  std::string node;
  std::string op_type;
  std::string reason;
};

struct QuantizationFacts {
  std::string scheme;
  std::string observer;
  std::string profile;
  std::string calibrated_on;
  std::int64_t sample_count = 0;
  std::int64_t integer_layer_count = 0;
  std::vector<std::pair<std::string, std::string>> steps;  // name, what it did
  std::vector<KeptFloatFacts> kept_float;
};

struct GoalFacts {
  std::string goal;      // "--max-drop 1", "latency=2x"
  std::string achieved;  // in the goal's unit
  bool is_met = false;
  std::string why_not;  // empty if met
};

/// A repair that was tried because a goal of accuracy was missed.
struct RepairFacts {
  std::string what;
  std::vector<std::pair<std::string, std::string>> achieved;  // goal, figure
  bool is_kept = false;
  std::vector<std::string> arguments;  // that say the same on the command line
};

struct Report {
  std::string command;
  ModelFacts original;
  ModelFacts result;
  std::string outcome;  // one sentence
  AccuracyFacts accuracy;
  std::optional<LatencyFacts> original_latency;
  std::optional<LatencyFacts> result_latency;
  std::vector<PassFacts> passes;
  std::string fusion_checked_on;
  std::optional<double> fusion_relative_error;
  std::optional<QuantizationFacts> quantization;
  std::vector<GoalFacts> goals;
  std::optional<PruningFacts> pruning;
  std::optional<SparsityFacts> sparsity;
  std::vector<LearningFacts> learning;
  std::optional<FloatChoice> floats;       // layers left in float if a goal of latency wanted it
  std::optional<WidthChoice> widths;       // of weights, if a goal of size wanted fewer than 8 bits
  std::optional<Sensitivity> sensitivity;  // if a goal of accuracy was missed
  std::vector<RepairFacts> repairs;
  std::vector<std::string> notes;
  Provenance provenance;
};

}  // namespace edgeopt
