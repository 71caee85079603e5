// Gradients as graphs: the rules of the operators (OpDefinition::gradient), applied backwards.
#pragma once
#include <span>

#include "ir/graph.h"

namespace edgeopt {

/// The graph with its gradient: nodes are added that compute, for every value in `with_respect_to`, the
/// derivative of the sum of all elements of `outputs` by that value.
///
/// outputs          floating-point values of the graph; a loss is one scalar
/// with_respect_to  values of any kind (inputs, constants, results of nodes); one on which no output depends
///                  gets zeros
/// returns          the graph's outputs, then one output per entry of `with_respect_to`, of its type
/// throws           UserError naming a node on the way that has no gradient rule
/// source           reverse mode: Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3
Graph gradient(const Graph& graph, std::span<const ValueId> outputs,
               std::span<const ValueId> with_respect_to);

}  // namespace edgeopt
