// Second-order rounding of weights that have one scale per block of inputs, activations staying in float.
#pragma once
#include <cstdint>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

struct BlockRoundingOptions {
  /// Samples used at most; the Hessian is known well enough long before.
  std::int64_t largest_sample_count = 256;
  /// Intermediate values kept at most; fewer samples are used when they would take more.
  std::int64_t largest_memory_bytes = std::int64_t{256} << 20;
  Progress progress = {};
};

/// The graph with weights that are multiples of their blocks' scales, and the scales beside them
/// (Value::quantization), for the matrices of MatMul and Gemm that are marked for blocks.
///
/// Layers are rounded in order, each for the inputs that it gets behind the rounded layers before it. Scales
/// are those of least squared error of the float weights (ir/quantization/weight_scales.h), decided before
/// anything is rounded.
///
/// marked   float graph of with_weight_blocks (passes/weight_blocks.h)
/// returns  the same bytes at any thread count
/// source   Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ: Accurate Post-Training Quantization for Generative
///          Pre-trained Transformers", ICLR 2023, with groups that are decided first
Graph with_second_order_blocks(const Graph& marked, const SampleSource& samples,
                               const BlockRoundingOptions& options);

}  // namespace edgeopt
