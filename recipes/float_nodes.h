// Nodes that stay in float: those that are asked to, and why all of them do where nothing can be quantized.
#pragma once
#include <string>
#include <vector>

#include "ir/graph.h"
#include "passes/quantization_plan.h"

namespace edgeopt {

/// Does nothing if every name is the label of a node (ir/label.h) of `model` or of `prepared`, which was made
/// from it: what was fused away is not in integers either.
/// throws  UserError naming the first that is not
void require_float_nodes(const std::vector<std::string>& names, const Graph& model, const Graph& prepared);

/// Half a sentence: the first reasons, or that the graph is quantized already.
std::string why_nothing_is_quantized(const Graph& graph, const std::vector<KeptFloat>& kept);

}  // namespace edgeopt
