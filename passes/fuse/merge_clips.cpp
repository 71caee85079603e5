// clip(clip(x, a, b), c, d) == clip(x, max(a, c), min(b, d)) when the ranges meet; relu(x) == clip(x, 0, inf)
#include <algorithm>

#include "passes/framework/clip.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

Plan merge_clips(const Graph& graph, const Node& second) {
  const Node* first = graph.producer(second.inputs[0]);
  if (!first || !(first->is("Clip") || first->is("Relu")))
    return decline("the input is not computed by Clip or Relu");
  const auto inner = clip_range_of(graph, *first);
  const auto outer = clip_range_of(graph, second);
  if (!inner || !outer) return decline("a bound is computed, not constant");
  const ClipRange merged{.low = std::max(inner->low, outer->low), .high = std::min(inner->high, outer->high)};
  if (!(merged.low <= merged.high)) return decline("the ranges do not meet");
  if (!is_float_or_double(graph, first->inputs[0]))
    return decline("the elements are neither float nor double");

  Edit edit(graph);
  edit.replace(second.outputs[0],
               add_clip(edit, graph, first->inputs[0], merged, graph.name_of(second.outputs[0])));
  return edit;
}

}  // namespace

Pass merge_clips_pass() {
  return rewrite_pass("merge_clips", {.roots = {"Clip", "Relu"},
                                      .summary = "Make one Clip or Relu out of two in a row.",
                                      .plan = merge_clips});
}

}  // namespace edgeopt
