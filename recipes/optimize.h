// The main job: simplify, fuse, quantize, judge, measure, and say whether it met its goals.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "recipes/channel_share.h"
#include "recipes/fuse.h"
#include "recipes/goals.h"
#include "recipes/judging.h"
#include "recipes/latency.h"
#include "recipes/latency_goal.h"
#include "recipes/prune.h"
#include "recipes/quantize.h"
#include "recipes/sample_split.h"
#include "recipes/sensitivity.h"
#include "recipes/size_goal.h"
#include "recipes/sparsify.h"
#include "support/progress.h"

namespace edgeopt {

struct OptimizeRequest {
  std::optional<SampleSplit> samples;  // without samples the model is simplified and fused, not quantized
  /// Channels taken out before quantizing; needs samples.
  std::optional<PruneOptions> prune;
  /// The share of `prune` is found: the most channels with which goals of size and latency hold
  /// (recipes/channel_share.h).
  bool prunes_to_goals = false;
  /// Weights set to zero behind that; they stay zero through learning and quantizing.
  std::optional<SparsityOptions> sparsity;
  bool has_sparse_storage = false;  // ir/onnx/sparse_storage.h
  /// How the pruned or sparse model learns the original's outputs back; nothing: it is repaired alone.
  std::optional<DistillationOptions> training;
  QuantizeOptions quantize;
  std::vector<Goal> goals;
  LatencyOptions latency;
  std::uint64_t seed = 1;
  double original_bytes = 0;
  Progress progress;
};

/// One repair that was tried because a goal of accuracy was missed.
struct RepairTrial {
  std::string what;
  std::vector<GoalOutcome> goals = {};      // those of accuracy, or that of size if it forbids the repair
  bool is_kept = false;                     // the first that meets them all
  std::vector<std::string> arguments = {};  // that say the same on the command line
};

/// What pruning did to each group of channels.
struct PruningFacts {
  std::vector<PrunedGroup> groups;
  std::vector<KeptLayer> kept;  // layers left alone, wholly or partly, and why
  CostChange multiply_adds, parameters;
  bool meets_budget = false;
  std::vector<ShareTrial> trials;  // of shares, if one was looked for
};

/// How one learning went.
struct LearningFacts {
  std::string who;  // "the pruned model", "the sparse model", "the quantized model"
  std::int64_t step_count = 0;
  std::int64_t best_step = 0;
  std::vector<LossPoint> history;
};

struct Optimized {
  Graph graph;
  FuseOutcome fused;
  std::optional<PruningFacts> pruning;
  std::optional<SparsityFacts> sparsity;
  std::vector<LearningFacts> learning;  // in the order in which it was done
  std::vector<std::string> notes;       // what pruning and learning did, a sentence each
  std::optional<QuantizedModel> quantized;
  std::optional<WidthChoice> widths;       // of weights, if a goal of size wanted fewer than 8 bits
  std::string size_limited_because;        // why the file is larger than its goal; empty if it is not
  std::optional<FloatChoice> floats;       // layers left in float if a goal of latency wanted it
  std::string not_quantized_because;       // empty if it was
  Judgement judgement;                     // empty without samples
  std::optional<Sensitivity> sensitivity;  // of the layers, if a goal of accuracy was missed
  std::vector<RepairTrial> repairs;  // in the order of trying; where none is kept the first result stays
  std::optional<Latency> original_latency;
  std::optional<Latency> result_latency;
  std::string not_measured_because;
  std::vector<GoalOutcome> goals;

  bool meets_goals() const;
};

Optimized optimize_model(const Graph& original, const OptimizeRequest& request);

}  // namespace edgeopt
