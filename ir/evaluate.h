// The slow evaluation of a graph: every node by its operator's own definition, one after the other. The judge
// of kernels, and what constant folding uses.
#pragma once
#include <functional>

#include "ir/graph.h"
#include "ir/tensor.h"

namespace edgeopt {

/// Runs one node on tensors. An input that is left out is an empty Tensor.
/// throws  UserError if the operator is unknown or the inputs contradict it
Tensors evaluate_node(const Graph& graph, const Node& node, const Tensors& inputs);
/// The same for a node whose subgraphs read outer values: `captured` gives them by the names they have there.
Tensors evaluate_node(const Graph& graph, const Node& node, const Tensors& inputs,
                      const std::function<Tensor(const std::string& name)>& captured);

/// Runs the graph; `inputs` in the order of graph.inputs() without those that are constants.
/// throws  UserError naming the node that failed
Tensors evaluate(const Graph& graph, const Tensors& inputs);

/// The graph's inputs that must be given: those without a constant.
std::vector<ValueId> required_inputs(const Graph& graph);

}  // namespace edgeopt
