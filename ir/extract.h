// Cutting a piece out of a graph, as a graph of its own.
#pragma once
#include <span>

#include "ir/graph.h"

namespace edgeopt {

/// The nodes between `inputs` and `outputs` as a graph: its inputs are `inputs`, its outputs `outputs` (under
/// their names), constants come along. An input that is not needed stays an input. throws  InternalError if
/// an output needs an input of `graph` that is not among `inputs`
Graph extract(const Graph& graph, std::span<const ValueId> inputs, std::span<const ValueId> outputs);

}  // namespace edgeopt
