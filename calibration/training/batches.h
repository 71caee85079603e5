// The samples of each training step: shuffled by epoch, varied, stacked into shards. A function of seed and
// step alone, so that a run can go on anywhere.
#pragma once
#include <cstdint>
#include <mutex>
#include <vector>

#include "calibration/samples/samples.h"
#include "calibration/training/augmentation.h"

namespace edgeopt {

struct BatchOptions {
  std::int64_t batch_size = 32;
  std::int64_t shard_size = 8;  // samples that one session runs at once; the batch is cut the same way always
  AugmentationOptions augmentation;
  std::int64_t class_count = 0;  // with labels: a row of class probabilities is appended to the inputs
  std::uint64_t seed = 1;
  /// Decoded samples are kept as long as they fit; more are read again.
  std::int64_t largest_memory_bytes = std::int64_t{512} << 20;
};

class Batches {
 public:
  Batches(const SampleSource& samples, const BatchOptions& options);

  std::int64_t shard_count() const;
  /// The inputs of one shard of a step's batch, stacked along the first axis. Thread-safe.
  Tensors shard(std::int64_t step, std::int64_t index) const;
  /// Sample `index` as it is (with its row of labels). Thread-safe.
  Tensors sample(std::int64_t index) const;
  std::int64_t sample_count() const { return samples_.count; }

 private:
  Tensors varied(std::int64_t position) const;
  std::int64_t shuffled(std::int64_t position) const;

  const SampleSource& samples_;
  BatchOptions options_;
  mutable std::mutex lock_;
  mutable std::vector<Tensors> kept_;
  mutable std::int64_t kept_bytes_ = 0;
  mutable std::int64_t epoch_ = -1;
  mutable std::vector<std::int64_t> order_;
};

/// Samples that one session runs at once: several where the model takes them, else 1.
std::int64_t shard_size_for(const Graph& graph, const SampleSource& samples);

/// Multiply-adds and other operations of one run, open dims as 1; at least 1. Of the branches of an If, the
/// dearest counts; of a Scan or Loop, one run of its body.
double work_per_sample(const Graph& graph);

/// Samples of equal dims as one batch; one alone as it is. throws UserError if they differ, or are scalars
Tensors stacked(const std::vector<Tensors>& samples);

}  // namespace edgeopt
