// A model of opset 7 to 12 becomes one of opset 13, the first in which Q/DQ pairs know an axis.
#include <fmt/format.h>

#include "ir/infer.h"
#include "passes/framework/pass.h"
#include "passes/opset_conversions.h"

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

PassOutcome raise_opset(const Graph& graph, const PassContext& context) {
  PassOutcome outcome{.graph = graph};
  if (graph.opset() >= context.wanted_opset) return outcome;
  const auto decline = [&](std::string reason) {
    outcome.declined.emplace_back(std::move(reason), 1);
    return outcome;
  };
  if (graph.opset() < oldest_opset)
    return decline(fmt::format("the opset is {}, below {}", graph.opset(), oldest_opset));
  if (!graph.header().functions.empty())
    return decline("the model defines functions, which import opsets of their own");
  for (const Rise& rise : rises) {
    const int opset = outcome.graph.opset();
    if (opset >= rise.to || rise.to > context.wanted_opset) continue;
    const Converted converted = convert(outcome.graph, opset, rise);
    for (const std::string& obstacle : converted.obstacles) count_decline(outcome.declined, obstacle);
    if (!converted.obstacles.empty()) return outcome;
    outcome.graph = with_inferred_types(with_ir_version(converted.graph, rise.ir_version));
    outcome.rewrite_count = 1;
  }
  return outcome;
}

}  // namespace

Pass raise_opset_pass() {
  return {.name = "raise_opset",
          .summary =
              "Write a model of opset 7 to 12 at opset 13, where quantization per channel begins; where "
              "4 or 16 bits are wanted, at opset 21, which has them.",
          .fidelity = Fidelity::exact,
          .run = raise_opset};
}

}  // namespace edgeopt
