// Rounding learned block by block: each block of a quantized model learns to give what the float model's
// block gives, on what the quantized blocks before it really hand over.
#pragma once
#include <cstdint>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

struct ReconstructionOptions {
  /// Multiply-adds to spend on all blocks together, backward runs included.
  double work = 2e12;
  std::int64_t batch_size = 32;
  double learning_rate = 1e-3;
  /// Share of activation elements that stay unquantized while a block learns.
  /// source  Wei et al., "QDrop", ICLR 2022: 0.5
  double drop_probability = 0.5;
  /// Samples used at most, fewer if two of a block's values would take more memory.
  std::int64_t largest_sample_count = 1024;
  std::int64_t largest_memory_bytes = std::int64_t{768} << 20;
  std::uint64_t seed = 1;
  Progress progress = {};
};

/// The student with rounding and activation scales learned block by block.
///
/// A block lies between two values that everything passes through.
/// teacher  the float graph that `student` was made from; values are matched by name
/// student  Q/DQ graph
/// returns  the same bytes at any thread count
/// source   Li et al., "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction", ICLR
/// 2021
Graph with_reconstructed_blocks(const Graph& student, const Graph& teacher, const SampleSource& samples,
                                const ReconstructionOptions& options);

}  // namespace edgeopt
