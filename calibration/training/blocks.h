// Blocks of a network: between two values that everything passes through.
#pragma once
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// The values after which nothing else is alive: every way from the inputs to the outputs passes through
/// them. In order; constants do not count. The last may be the graph's only output.
std::vector<ValueId> cut_values(const Graph& graph);

/// Graph inputs (parameters, seeds) that `value` depends on, `stop` and what is before it left out; in the
/// order of the graph's inputs.
std::vector<ValueId> inputs_behind(const Graph& graph, ValueId value, ValueId stop);

}  // namespace edgeopt
