// How operators of opset 7 to 12 are written at opset 13, and those of 13 to 20 at 21: what was an attribute
// becomes an input, old names get new ones.
#pragma once
#include <optional>
#include <string>

#include "ir/edit.h"
#include "ir/graph.h"

namespace edgeopt {

/// Rewrites one node of opset `from` (7 to 12) for opset 13 inside `edit`.
///
/// returns  why it cannot be done; nothing if it was done, or the node means the same at both opsets
/// source   ONNX Operator changelog, versions 7 to 13
std::optional<std::string> convert_to_opset_13(const Graph& graph, const Node& node, int from, Edit& edit);

/// The same from 13 to 20 for opset 21.
std::optional<std::string> convert_to_opset_21(const Graph& graph, const Node& node, int from, Edit& edit);

}  // namespace edgeopt
