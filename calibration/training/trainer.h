// The training loop: shards of a batch side by side, their gradients summed in fixed order, one step of the
// optimizer; the best parameters on held-back samples win.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "calibration/training/batches.h"
#include "calibration/training/optimizer.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

/// A step as a graph: inputs of one shard of samples, [seed], parameters -> loss, gradients of parameters.
struct TrainingTask {
  Graph graph;
  std::vector<Parameter> parameters;
  bool has_seed = false;
  /// Adds the gradient of what the loss holds beside the samples, per sample of the batch; may be empty.
  std::function<void(std::int64_t step, const std::vector<Parameter>& parameters, Tensors& gradients)>
      regularize = {};
};

struct TrainingOptions {
  std::int64_t step_count = 1000;
  BatchOptions batches;
  OptimizerOptions optimizer;
  double warmup = 0.05;  // share of the steps
  /// Steps between looks at the held-back samples; training ends early after `patience` looks without a
  /// better one.
  std::int64_t check_interval = 100;
  std::int64_t patience = 10;
  /// Written every `check_interval` steps and gone on from if it is there; a run that was stopped and goes on
  /// gives the same bytes as one that was not.
  std::filesystem::path checkpoint = {};
  Progress progress = {};
};

struct LossPoint {
  std::int64_t step = 0;
  double training_loss = 0;   // mean per sample since the last point
  double held_back_loss = 0;  // mean per sample; the training loss if nothing is held back
  bool operator==(const LossPoint&) const = default;
};

struct TrainingOutcome {
  std::vector<Parameter> parameters;  // the best, or the last if nothing was held back
  std::vector<LossPoint> history;
  std::int64_t best_step = 0;
  bool has_ended_early = false;
};

/// held_back  samples that are never trained on; null: none
/// returns    the same at any thread count, and after being stopped and gone on
/// throws     UserError: samples that cannot be read, a loss that is not finite, a checkpoint of something
/// else cost       one forward and backward run per sample and step; memory of one shard per thread
TrainingOutcome train(const TrainingTask& task, const SampleSource& samples, const SampleSource* held_back,
                      const TrainingOptions& options);

}  // namespace edgeopt
