#include "ir/subgraph_place.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "support/error.h"

namespace edgeopt {
namespace {

const Graph& subgraph_of(const Graph& graph, const SubgraphStep& step) {
  const GraphPtr* subgraph = graph.node(step.node).attributes.get<GraphPtr>(step.attribute);
  if (!subgraph) throw InternalError(fmt::format("a node has no subgraph '{}'", step.attribute));
  return **subgraph;
}

void change_subgraph(Edit& edit, const SubgraphStep& step, const std::function<void(Edit&)>& change) {
  Edit inner(subgraph_of(edit.draft(), step));
  change(inner);
  Attributes attributes = edit.draft().node(step.node).attributes;
  Attribute changed = *attributes.find(step.attribute);
  changed.data = std::make_shared<const Graph>(inner.apply());
  attributes.set(step.attribute, std::move(changed));
  edit.set_attributes(step.node, std::move(attributes));
}

}  // namespace

void change_at(Edit& edit, std::span<const SubgraphStep> path, const std::function<void(Edit&)>& change) {
  if (path.empty()) return change(edit);
  change_subgraph(edit, path.front(), [&](Edit& inner) { change_at(inner, path.subspan(1), change); });
}

void replace_at(Edit& edit, std::span<const SubgraphStep> path, ValueId inner, ValueId outer) {
  if (path.empty()) return edit.replace(inner, outer);
  const std::string name = edit.draft().name_of(outer);
  const ValueType type = edit.draft().type_of(outer);
  change_subgraph(edit, path.front(), [&](Edit& subgraph) {
    replace_at(subgraph, path.subspan(1), inner, subgraph.add_captured(name, type));
  });
  std::vector<Capture> captures = edit.draft().node(path.front().node).captures;
  captures.push_back({.name = name, .value = outer});
  edit.set_captures(path.front().node, std::move(captures));
}

}  // namespace edgeopt
