// min(max(x, a), b) -> clip(x, a, b): Max and Min against a number are Relu and Clip.
#include <limits>

#include "passes/framework/clip.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_that_broadcasts = 8;  // of Min and Max
constexpr double infinity = std::numeric_limits<double>::infinity();

Plan replace_min_max(const Graph& graph, const Node& node) {
  const auto operand = constant_operand(graph, node);
  if (!operand) return decline("it does not compare one value with a constant");
  if (graph.opset() < first_opset_that_broadcasts) return decline("the opset does not broadcast");
  if (!is_float_or_double(graph, operand->other)) return decline("the elements are neither float nor double");
  const auto rank = rank_of(graph, operand->other);
  const auto number = rank ? constant_scalar(graph, operand->constant, *rank) : std::nullopt;
  if (!number) return decline("the constant is not one number, or may enlarge the result");

  const ClipRange range = node.is("Max") ? ClipRange{.low = *number, .high = infinity}
                                         : ClipRange{.low = -infinity, .high = *number};
  Edit edit(graph);
  edit.replace(node.outputs[0], add_clip(edit, graph, operand->other, range, graph.name_of(node.outputs[0])));
  return edit;
}

}  // namespace

Pass replace_min_max_pass() {
  return rewrite_pass("replace_min_max", {.roots = {"Min", "Max"},
                                          .summary = "Write Min and Max against a number as Clip or Relu.",
                                          .plan = replace_min_max});
}

}  // namespace edgeopt
