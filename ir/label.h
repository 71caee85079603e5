// How options and reports call a node.
#pragma once
#include <string>

#include "ir/graph.h"

namespace edgeopt {

/// The node's own name, or that of its first output.
inline const std::string& label_of(const Graph& graph, const Node& node) {
  return node.name.empty() ? graph.name_of(node.outputs[0]) : node.name;
}

}  // namespace edgeopt
