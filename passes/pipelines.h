// Where the pipelines are written down; how they run: passes/framework/pipeline.h.
#pragma once
#include "passes/framework/pipeline.h"

namespace edgeopt {

/// Exact steps that make a graph smaller and its constants visible.
std::vector<Stage> simplify_stages();
/// simplify_stages, then merging neighbours into one operator; within float rounding.
std::vector<Stage> fuse_stages();
/// What comes before ranges are observed: raising the opset, fuse_stages, and putting operators with an
/// integer form in the place of others.
std::vector<Stage> prepare_quantization_stages();
/// Optional, between preparing and observing: cross-layer equalization.
/// Raising the opset to 21, for integers of 4 and 16 bits.
std::vector<Stage> widen_stages();
std::vector<Stage> equalize_stages();
/// What comes after ranges were observed.
std::vector<Stage> quantize_stages();
/// Weights alone, in blocks (passes/weight_blocks.h).
std::vector<Stage> block_stages();

}  // namespace edgeopt
