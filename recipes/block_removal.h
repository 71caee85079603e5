// Residual blocks taken out one after another, the least harmful for what it costs first.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
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

/// Which residual blocks go.
struct BlockChoice {
  std::vector<std::string> names = {};     // of their Adds, by name or name of output; these go first
  std::int64_t count = 0;                  // so many more
  std::vector<std::string> excluded = {};  // none of those goes that one of these nodes belongs to
  bool removes_any() const { return count > 0 || !names.empty(); }
};

/// The graph without residual blocks: those that are named, then `count` more. For these every round measures
/// the model without each block that is left, and takes the one with the least damage per time saved
/// (estimated, passes/prune/graph_cost.h); damage is the divergence of the classes from the graph's, or where
/// there are none the error over the energy of the outputs.
///
/// returns  fewer blocks where there are no more; the same at any thread count
/// throws   UserError if a name is that of no block, with the names there are
/// cost     a run of some samples per round and block
BlockRemoval remove_blocks(const Graph& graph, const SampleSource& samples, const BlockChoice& choice,
                           const Progress& progress = {});

}  // namespace edgeopt
