// x[:, ...] == x
#include <algorithm>
#include <limits>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_inputs = 10;  // Slice-1 keeps starts and ends in attributes
// Ends from here on mean "to the end" in what exporters write (INT32_MAX, INT64_MAX).
constexpr std::int64_t end_of_any_axis = std::numeric_limits<std::int32_t>::max();

bool is_all(const std::vector<std::int64_t>& numbers, auto predicate) {
  return std::ranges::all_of(numbers, predicate);
}

// With steps of 1, a slice as long as its axis is the axis.
SameValue input_if_everything(const Graph& graph, const Node& slice) {
  const bool has_inputs = graph.opset() >= first_opset_with_inputs;
  const auto steps = constant_ints(graph, slice, "steps", has_inputs ? 4 : -1);
  if (!steps) return Declined{"the steps are computed, not constant"};
  if (!is_all(*steps, [](std::int64_t step) { return step == 1; })) return Declined{"a step is not 1"};
  if (has_same_shape(graph, slice.inputs[0], slice.outputs[0])) return slice.inputs[0];

  const auto starts = constant_ints(graph, slice, "starts", has_inputs ? 1 : -1);
  const auto ends = constant_ints(graph, slice, "ends", has_inputs ? 2 : -1);
  const bool is_whole = starts && ends && is_all(*starts, [](std::int64_t start) { return start == 0; }) &&
                        is_all(*ends, [](std::int64_t end) { return end >= end_of_any_axis; });
  if (!is_whole) return Declined{"something is cut off, or is not known not to be"};
  return slice.inputs[0];
}

}  // namespace

Pass remove_noop_slice_pass() {
  return bypass_pass("remove_noop_slice", {.roots = {"Slice"},
                                           .summary = "Remove a Slice that takes everything.",
                                           .same_value = input_if_everything});
}

}  // namespace edgeopt
