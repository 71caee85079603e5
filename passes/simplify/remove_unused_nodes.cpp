// What no output of the graph needs goes: nodes, constants, and outer values that a subgraph no longer reads.
#include <algorithm>
#include <set>
#include <string>

#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

std::size_t index_of(ValueId id) { return static_cast<std::size_t>(id); }

// By ValueId: somebody who leads to an output reads it.
std::vector<bool> needed_values(const Graph& graph) {
  const std::vector<ValueId> values = graph.values();
  std::vector<bool> is_needed(values.empty() ? 0 : index_of(values.back()) + 1, false);
  for (const ValueId output : graph.outputs()) is_needed[index_of(output)] = true;
  const std::span<const NodeId> order = graph.nodes();
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    const Node& node = graph.node(*id);
    if (std::ranges::none_of(node.outputs, [&](ValueId output) {
          return output != ValueId::none && is_needed[index_of(output)];
        }))
      continue;
    for (const ValueId input : node.inputs)
      if (input != ValueId::none) is_needed[index_of(input)] = true;
    for (const Capture& capture : node.captures) is_needed[index_of(capture.value)] = true;
  }
  return is_needed;
}

void collect_captured_names(const Graph& subgraph, std::set<std::string>& names) {
  for (const ValueId captured : subgraph.captured()) names.insert(subgraph.name_of(captured));
}

std::vector<Capture> needed_captures(const Node& node) {
  std::set<std::string> names;
  for (const auto& [key, attribute] : node.attributes) {
    if (const auto* subgraph = std::get_if<GraphPtr>(&attribute.data))
      collect_captured_names(**subgraph, names);
    if (const auto* subgraphs = std::get_if<std::vector<GraphPtr>>(&attribute.data))
      for (const GraphPtr& each : *subgraphs) collect_captured_names(*each, names);
  }
  std::vector<Capture> needed;
  for (const Capture& capture : node.captures)
    if (names.contains(capture.name)) needed.push_back(capture);
  return needed;
}

bool is_dead(const Node& node, const std::vector<bool>& is_needed) {
  return std::ranges::none_of(
      node.outputs, [&](ValueId output) { return output != ValueId::none && is_needed[index_of(output)]; });
}

Sweep remove_unused(const Graph& graph) {
  const std::vector<bool> is_needed = needed_values(graph);
  Edit edit(graph);
  int count = 0;
  const std::span<const NodeId> order = graph.nodes();
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    const Node& node = graph.node(*id);
    if (is_dead(node, is_needed)) {
      edit.remove(*id);
      ++count;
    } else if (std::vector<Capture> needed = needed_captures(node); needed != node.captures) {
      edit.set_captures(*id, std::move(needed));
      ++count;
    }
  }
  for (const ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (is_needed[index_of(id)] || value.producer != NodeId::none || value.is_input) continue;
    if (value.is_captured)
      edit.remove_captured(id);
    else
      edit.remove(id);
    ++count;
  }
  return {.edit = count > 0 ? std::optional(std::move(edit)) : std::nullopt, .rewrite_count = count};
}

}  // namespace

Pass remove_unused_nodes_pass() {
  return sweep_pass("remove_unused_nodes",
                    {.summary = "Remove nodes and constants that no output needs.", .sweep = remove_unused});
}

}  // namespace edgeopt
