// reshape(x) == x, and squeeze(unsqueeze(x)) == x, when the dims come out as they went in.
#include "passes/framework/reshape_dims.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

// The first value up the chain of reshapes that has this shape already.
SameValue value_of_same_shape(const Graph& graph, const Node& root) {
  const auto& wanted = graph.type_of(root.outputs[0]).shape;
  for (const Node* node = &root; node && keeps_element_order(*node); node = graph.producer(node->inputs[0]))
    if (is_same_shape_given_count(graph.type_of(node->inputs[0]).shape, wanted)) return node->inputs[0];
  return Declined{"the dims change, or are not known not to"};
}

}  // namespace

Pass remove_noop_reshape_pass() {
  return bypass_pass(
      "remove_noop_reshape",
      {.roots = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"},
       .summary = "Remove Reshape, Flatten, Squeeze and Unsqueeze that end at the dims they began with.",
       .same_value = value_of_same_shape});
}

}  // namespace edgeopt
