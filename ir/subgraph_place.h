// Places inside the subgraphs of a graph, and changes there.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ir/edit.h"

namespace edgeopt {

/// From a graph to a subgraph of one of its nodes.
struct SubgraphStep {
  NodeId node = NodeId::none;
  std::string attribute;
  auto operator<=>(const SubgraphStep&) const = default;
};
/// From a graph through the subgraphs between to the one that is meant; empty: the graph itself.
using SubgraphPath = std::vector<SubgraphStep>;

/// Applies `change` to the subgraph at the end of `path`; its value and node ids stay as they were.
void change_at(Edit& edit, std::span<const SubgraphStep> path, const std::function<void(Edit&)>& change);

/// What reads `inner`, a value of the subgraph at the end of `path`, reads `outer` instead, a value of the
/// edited graph: all subgraphs on the way capture it under its name, which none of them may have.
void replace_at(Edit& edit, std::span<const SubgraphStep> path, ValueId inner, ValueId outer);

}  // namespace edgeopt
