// Residual blocks taken out one after another, the least harmful for what it costs first.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/samples.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

struct RemovedBlock {
  std::string name;
  double damage = 0;  // of the model without it and those before, nothing repaired
  bool operator==(const RemovedBlock&) const = default;
};

struct BlockRemoval {
  Graph graph;  // with the ids of the graph it was made from
  std::vector<RemovedBlock> removed;
  std::vector<ValueId> bridged;  // values that now stand for a block's result
};

/// The graph without `count` residual blocks. Every round measures the model without each block that is left,
/// and takes the one with the least damage per multiply-add saved; damage is the divergence of the classes
/// from the graph's, or where there are none the error over the energy of the outputs.
///
/// excluded  no block goes that one of these nodes belongs to, by name or name of output
/// returns   fewer blocks where there are no more; the same at any thread count
/// cost      a run of some samples per round and block
BlockRemoval remove_blocks(const Graph& graph, const SampleSource& samples, std::int64_t count,
                           const std::vector<std::string>& excluded, const Progress& progress = {});

}  // namespace edgeopt
