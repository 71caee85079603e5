// pad(x, 0) == x
#include <algorithm>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_pads = 2;  // Pad-1 calls them `paddings`
constexpr int first_opset_with_pads_input = 11;

SameValue input_if_not_padded(const Graph& graph, const Node& pad) {
  const char* attribute = graph.opset() < first_opset_with_pads ? "paddings" : "pads";
  const int input = graph.opset() < first_opset_with_pads_input ? -1 : 1;
  const auto pads = constant_ints(graph, pad, attribute, input);
  if (!pads) return Declined{"the pads are computed, not constant"};
  if (std::ranges::any_of(*pads, [](std::int64_t amount) { return amount != 0; }))
    return Declined{"something is padded"};
  return pad.inputs[0];
}

}  // namespace

Pass remove_noop_pad_pass() {
  return bypass_pass(
      "remove_noop_pad",
      {.roots = {"Pad"}, .summary = "Remove a Pad that adds nothing.", .same_value = input_if_not_padded});
}

}  // namespace edgeopt
