#include "passes/framework/fold_values.h"

#include <algorithm>
#include <unordered_set>

namespace edgeopt {
namespace {

using ValueSet = std::unordered_set<std::int32_t>;

bool is_folded(const Graph& graph, const Node& node, const ValueSet& folded) {
  return std::ranges::all_of(node.outputs, [&](ValueId output) {
    const bool is_unread =
        output == ValueId::none || (graph.uses(output).empty() && !graph.is_output(output));
    return is_unread || folded.contains(static_cast<std::int32_t>(output));
  });
}

bool is_needed(const Graph& graph, ValueId id, const ValueSet& folded) {
  return graph.is_output(id) || std::ranges::any_of(graph.uses(id), [&](const Use& use) {
           return !is_folded(graph, graph.node(use.node), folded);
         });
}

}  // namespace

Sweep fold_values(const Graph& graph, const FoldedValues& folded) {
  ValueSet ids;
  for (const auto& [id, tensor] : folded) ids.insert(static_cast<std::int32_t>(id));
  Sweep sweep;
  for (const auto& [id, tensor] : folded) {
    if (!is_needed(graph, id, ids)) continue;
    if (!sweep.edit) sweep.edit.emplace(graph);
    sweep.edit->replace(id, sweep.edit->add_constant(tensor, graph.name_of(id)));
    ++sweep.rewrite_count;
  }
  return sweep;
}

bool is_constant_output(const Graph& graph, const Node& node) {
  return node.is("Identity") && graph.is_output(node.outputs[0]) && graph.constant(node.inputs[0]);
}

}  // namespace edgeopt
