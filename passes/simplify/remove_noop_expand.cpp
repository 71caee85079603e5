// expand(x) == x and tile(x) == x when no dim grows.
#include <algorithm>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_repeats = 6;  // Tile-1 had `tiles` and `axis`

SameValue input_if_same_shape(const Graph& graph, const Node& node) {
  if (has_same_shape(graph, node.inputs[0], node.outputs[0])) return node.inputs[0];
  const bool is_tile = node.is("Tile") && graph.opset() >= first_opset_with_repeats;
  const auto repeats = is_tile ? constant_number(graph, node.input(1)) : std::nullopt;
  if (repeats == 1.0) return node.inputs[0];
  const auto rank = rank_of(graph, node.inputs[0]);
  const auto target = node.is("Expand") ? graph.constant(node.input(1)) : std::nullopt;
  if (target && rank && target->element_count() <= static_cast<std::int64_t>(*rank) &&
      (target->is_empty() || constant_number(graph, node.inputs[1]) == 1.0))
    return node.inputs[0];
  return Declined{"a dim grows, or is not known not to"};
}

}  // namespace

Pass remove_noop_expand_pass() {
  return bypass_pass("remove_noop_expand", {.roots = {"Expand", "Tile"},
                                            .summary = "Remove Expand and Tile that enlarge no dim.",
                                            .same_value = input_if_same_shape});
}

}  // namespace edgeopt
