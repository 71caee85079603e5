// Values that turned out to be constant take the place of the nodes that computed them.
#pragma once
#include <utility>
#include <vector>

#include "passes/framework/rewrite.h"

namespace edgeopt {

/// What each of these values always is, in the order of the nodes.
using FoldedValues = std::vector<std::pair<ValueId, Tensor>>;

/// One edit that replaces the values by constants where somebody else than a folded node reads them; what
/// computed them goes. Counts the values replaced.
Sweep fold_values(const Graph& graph, const FoldedValues& folded);

/// An output of the graph that only hands on a constant: ONNX has no other way to return one.
bool is_constant_output(const Graph& graph, const Node& node);

}  // namespace edgeopt
