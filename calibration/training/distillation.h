// Learning the teacher's outputs back: the compressed model is the student, the float model the teacher;
// labels help where there are some, and are not needed.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "calibration/training/distillation_graph.h"
#include "calibration/training/trainer.h"
#include "ir/graph.h"

namespace edgeopt {

/// What becomes of a normalization's scale and bias, and of the running statistics of BatchNormalization.
enum class NormalizationLearning {
  keep,     // all stay
  learn,    // scale and bias are learned; statistics stay: learned ones would say the same twice
  refresh,  // statistics are estimated anew from the samples, then as `learn`
};

struct DistillationOptions {
  LossWeights loss;
  /// Values of the teacher to compare with LossWeights::features; empty: the results of the layers.
  std::vector<std::string> feature_names = {};
  TrainableOptions trainable;
  NormalizationLearning normalization = NormalizationLearning::learn;
  OptimizerOptions optimizer;
  std::optional<AugmentationOptions> augmentation;  // nothing: what suits the model's input
  /// Steps; 0: as many as `work` pays for.
  std::int64_t step_count = 0;
  std::int64_t batch_size = 32;
  /// Multiply-adds to spend on all steps together, teacher and backward runs included.
  double work = 4e12;
  /// Share of the samples that is held back to see when to stop.
  double held_back_share = 0.1;
  /// Of intermediate values in all threads together; where more would be kept, some are computed twice
  /// (training/recomputation.h). 0: as many as there are.
  std::int64_t largest_memory_bytes = 0;
  std::filesystem::path checkpoint = {};
  std::uint64_t seed = 1;
  Progress progress = {};
};

struct Distilled {
  Graph graph;
  std::vector<LossPoint> history;
  std::int64_t step_count = 0;
  std::int64_t best_step = 0;
  std::int64_t held_back_count = 0;    // samples that chose the best step; 0: too few, so the last is kept
  std::int64_t parameter_count = 0;    // elements that were learned
  std::int64_t segment_count = 1;      // of the forward half, if less memory was asked for
  std::size_t intermediate_bytes = 0;  // in each thread; 0: not asked
};

/// The student with weights, biases and scales that bring its outputs closer to the teacher's.
///
/// teacher  float, with the student's inputs and outputs
/// student  float or Q/DQ (int8 or int4; its integers and scales are learned, its form stays)
/// samples  inputs; labels are used where LossWeights::labels asks for them
/// returns  the same bytes at any thread count
/// throws   UserError if the graphs do not go together or cannot be trained, or lack a value of feature_names
Distilled distill(const Graph& student, const Graph& teacher, const SampleSource& samples,
                  const DistillationOptions& options);

}  // namespace edgeopt
