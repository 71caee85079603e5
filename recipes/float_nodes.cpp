#include "recipes/float_nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/label.h"
#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::string first_reasons(const std::vector<KeptFloat>& kept) {
  constexpr std::size_t reason_count = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kept.size(), reason_count); ++i)
    text +=
        fmt::format("{}{} '{}': {}", text.empty() ? "" : "; ", kept[i].op_type, kept[i].node, kept[i].reason);
  return text;
}

}  // namespace

void require_float_nodes(const std::vector<std::string>& names, const Graph& model, const Graph& prepared) {
  std::set<std::string> labels;
  for (const Graph* graph : {&model, &prepared})
    for (const NodeId id : graph->nodes()) labels.insert(label_of(*graph, graph->node(id)));
  for (const std::string& name : names)
    if (!labels.contains(name))
      throw UserError(fmt::format(
          "there is no node '{}' to leave in float; `edgeopt sensitivity` lists the layers by name", name));
}

std::string why_nothing_is_quantized(const Graph& graph, const std::vector<KeptFloat>& kept) {
  const bool is_quantized =
      std::ranges::any_of(graph.nodes(), [&](NodeId id) { return graph.node(id).is("DequantizeLinear"); });
  if (is_quantized) return "the model is quantized already; give the float model that it was made from";
  if (!kept.empty()) return first_reasons(kept);
  const auto holder =
      std::ranges::find_if(graph.nodes(), [&](NodeId id) { return has_subgraph(graph.node(id)); });
  if (holder == graph.nodes().end()) return "no operator has an integer form on this profile";
  const Node& node = graph.node(*holder);
  return fmt::format(
      "no operator outside of subgraphs has an integer form on this profile, and what lies inside {} '{}' "
      "stays in float",
      node.op_type, label_of(graph, node));
}

}  // namespace edgeopt
