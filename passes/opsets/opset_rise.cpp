#include "passes/opsets/opset_rise.h"

#include <fmt/format.h>

#include "ir/infer.h"
#include "passes/opsets/opset_conversions.h"

namespace edgeopt {
namespace {

// Opset 6 and below broadcast by attributes; ONNX Runtime has no kernels for them either
// (docs/onnxruntime_fusions.md).
constexpr int oldest_opset = 7;

// One step upwards.
struct Rise {
  int to = 0;
  std::int64_t ir_version = 0;  // ONNX's table of versions: what came with that opset
  std::optional<std::string> (*convert)(const Graph&, const Node&, int from, Edit&) = nullptr;
};
constexpr Rise rises[] = {{13, 7, convert_to_opset_13}, {21, 10, convert_to_opset_21}};

struct Converted {
  Graph graph;
  std::vector<std::string> obstacles;
};

Converted convert(const Graph& graph, int from, const Rise& rise);

// Subgraphs of one node, converted; their owner gets new attributes.
void convert_subgraphs(const Node& node, const Rise& rise, Edit& edit, Converted& result) {
  Attributes attributes = node.attributes;
  bool has_subgraph = false;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* subgraph = std::get_if<GraphPtr>(&attribute.data);
    if (!subgraph) continue;
    Converted inner = convert(**subgraph, edit.draft().opset(), rise);
    result.obstacles.insert(result.obstacles.end(), inner.obstacles.begin(), inner.obstacles.end());
    Attribute changed = attribute;
    changed.data = std::make_shared<const Graph>(std::move(inner.graph));
    attributes.set(name, std::move(changed));
    has_subgraph = true;
  }
  if (has_subgraph) edit.set_attributes(node.id, attributes);
}

Converted convert(const Graph& graph, int from, const Rise& rise) {
  Converted result;
  Edit edit(graph);
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    convert_subgraphs(node, rise, edit, result);
    if (const auto obstacle = rise.convert(graph, node, from, edit)) result.obstacles.push_back(*obstacle);
  }
  edit.set_opset("", rise.to);
  result.graph = edit.apply();
  return result;
}

// From IR version 4 on a constant that is listed among the inputs can be overridden, and is no constant any
// more.
Graph with_ir_version(const Graph& graph, std::int64_t wanted) {
  Edit edit(graph);
  if (graph.header().ir_version < 4)
    for (const ValueId input : std::vector<ValueId>(graph.inputs().begin(), graph.inputs().end()))
      if (graph.value(input).constant) edit.remove_input(input);
  ModelHeader header = graph.header();
  header.ir_version = std::max(header.ir_version, wanted);
  edit.set_header(std::move(header));
  return edit.apply();
}

}  // namespace

PassOutcome raise_opset_to(int wanted, const Graph& graph) {
  PassOutcome outcome{.graph = graph};
  if (graph.opset() >= wanted) return outcome;
  const auto decline = [&](std::string reason) {
    outcome.declined.emplace_back(std::move(reason), 1);
    return outcome;
  };
  if (graph.opset() < oldest_opset)
    return decline(fmt::format("the opset is {}, below {}", graph.opset(), oldest_opset));
  if (!graph.header().functions.empty())
    return decline("the model defines functions, which import opsets of their own");
  Graph raised = graph;
  for (const Rise& rise : rises) {
    if (raised.opset() >= rise.to || rise.to > wanted) continue;
    const Converted converted = convert(raised, raised.opset(), rise);
    for (const std::string& obstacle : converted.obstacles) count_decline(outcome.declined, obstacle);
    if (!converted.obstacles.empty()) return outcome;
    raised = with_inferred_types(with_ir_version(converted.graph, rise.ir_version));
  }
  outcome.graph = std::move(raised);
  outcome.rewrite_count = 1;
  return outcome;
}

}  // namespace edgeopt
