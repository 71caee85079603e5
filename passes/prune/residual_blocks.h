// Residual blocks: y = x + f(x), where f may be left out and something sensible still comes through.
#pragma once
#include <string>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// An Add of a value and of what layers computed from it alone.
struct ResidualBlock {
  std::string name;  // of the Add
  NodeId add = NodeId::none;
  ValueId skip = ValueId::none;  // x
  std::vector<NodeId> branch;    // the nodes that compute f, in the order of the graph
};

/// The blocks that can be left out, in the order of the graph: x and y have the same known shape, f holds at
/// least one layer with weights, reads x alone, and nobody else reads what it computes on the way.
///
/// source  Veit, Wilber, Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks",
///         NeurIPS 2016: such paths can be deleted with little harm
std::vector<ResidualBlock> find_residual_blocks(const Graph& graph);

/// The graph with y = x. All other values keep their ids.
Graph without_block(const Graph& graph, const ResidualBlock& block);

}  // namespace edgeopt
