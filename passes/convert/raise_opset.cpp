// A model of opset 7 to 12 becomes one of opset 13, the first in which Q/DQ pairs know an axis.
#include <fmt/format.h>

#include "ir/infer.h"
#include "passes/framework/pass.h"
#include "passes/opset_conversions.h"

namespace edgeopt {
namespace {

constexpr int wanted_opset = 13;
// Opset 6 and below broadcast by attributes; ONNX Runtime has no kernels for them either
// (docs/onnxruntime_fusions.md).
constexpr int oldest_opset = 7;
// ONNX's table of versions: opset 13 came with IR version 7.
constexpr std::int64_t wanted_ir_version = 7;

struct Conversion {
  Graph graph;
  int count = 0;
  std::vector<std::string> obstacles;
};

Conversion convert(const Graph& graph, int from);

// Subgraphs of one node, converted; their owner gets new attributes.
void convert_subgraphs(const Node& node, int from, Edit& edit, Conversion& result) {
  Attributes attributes = node.attributes;
  bool has_subgraph = false;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* subgraph = std::get_if<GraphPtr>(&attribute.data);
    if (!subgraph) continue;
    Conversion inner = convert(**subgraph, from);
    result.count += inner.count;
    result.obstacles.insert(result.obstacles.end(), inner.obstacles.begin(), inner.obstacles.end());
    Attribute changed = attribute;
    changed.data = std::make_shared<const Graph>(std::move(inner.graph));
    attributes.set(name, std::move(changed));
    has_subgraph = true;
  }
  if (has_subgraph) edit.set_attributes(node.id, attributes);
}

Conversion convert(const Graph& graph, int from) {
  Conversion result;
  Edit edit(graph);
  edit.set_opset("", wanted_opset);
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    convert_subgraphs(node, from, edit, result);
    if (const auto obstacle = convert_to_opset_13(graph, node, from, edit))
      result.obstacles.push_back(*obstacle);
    ++result.count;
  }
  result.graph = edit.apply();
  return result;
}

// From IR version 4 on a constant that is listed among the inputs can be overridden, and is no constant any
// more.
Graph with_ir_version(const Graph& graph) {
  Edit edit(graph);
  if (graph.header().ir_version < 4)
    for (const ValueId input : std::vector<ValueId>(graph.inputs().begin(), graph.inputs().end()))
      if (graph.value(input).constant) edit.remove_input(input);
  ModelHeader header = graph.header();
  header.ir_version = std::max(header.ir_version, wanted_ir_version);
  edit.set_header(std::move(header));
  return edit.apply();
}

PassOutcome raise_opset(const Graph& graph, const PassContext&) {
  PassOutcome outcome{.graph = graph};
  const int opset = graph.opset();
  if (opset >= wanted_opset) return outcome;
  const auto decline = [&](std::string reason) {
    outcome.declined.emplace_back(std::move(reason), 1);
    return outcome;
  };
  if (opset < oldest_opset) return decline(fmt::format("the opset is {}, below {}", opset, oldest_opset));
  if (!graph.header().functions.empty())
    return decline("the model defines functions, which import opsets of their own");
  Conversion conversion = convert(graph, opset);
  for (const std::string& obstacle : conversion.obstacles) outcome.declined.emplace_back(obstacle, 1);
  if (!conversion.obstacles.empty()) return outcome;
  outcome.graph = with_inferred_types(with_ir_version(conversion.graph));
  outcome.rewrite_count = 1;
  return outcome;
}

}  // namespace

Pass raise_opset_pass() {
  return {.name = "raise_opset",
          .summary = "Write a model of opset 7 to 12 at opset 13, where quantization per channel begins.",
          .fidelity = Fidelity::exact,
          .run = raise_opset};
}

}  // namespace edgeopt
