// Passes made of one local rewrite: a pattern rooted at operators of given types, tried at every node until
// nothing changes.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "ir/op.h"
#include "passes/framework/pass.h"

namespace edgeopt {

struct Rewrite {
  std::vector<std::string> roots;  // ONNX operator types at which the plan is tried; empty: every node
  std::string summary;
  Fidelity fidelity = Fidelity::exact;
  std::function<Plan(const Graph& graph, const Node& root)> plan;
};

/// A pass that tries the rewrite at every matching node in topological order, subgraphs included, and repeats
/// while something changes (at most as often as the graph has nodes, so that it ends).
Pass rewrite_pass(std::string name, Rewrite rewrite);

}  // namespace edgeopt
