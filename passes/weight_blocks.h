// Weights alone in few bits, in blocks along the inputs of an output; activations stay in float.
#pragma once
#include <cstdint>
#include <set>
#include <string>

#include "ir/graph.h"

namespace edgeopt {

struct WeightBlocks {
  int bits = 4;
  std::int64_t block_size = 32;
};

/// The graph with Value::quantization (type, bits, axis, block size) on the constant matrices of MatMul and
/// Gemm that nobody else reads, but those of nodes in `keep_float`.
Graph with_weight_blocks(const Graph& graph, const WeightBlocks& blocks,
                         const std::set<std::string>& keep_float);

}  // namespace edgeopt
