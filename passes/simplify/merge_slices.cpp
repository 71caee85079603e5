// x[:, a:b][c:d, :] == x[c:d, a:b]: slices in a row that cut different axes are one.
#include <algorithm>
#include <numeric>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_inputs = 10;  // before, Slice knows no steps

struct Cuts {
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> ends;
  std::vector<std::int64_t> axes;
  std::vector<std::int64_t> steps;
};

// The cuts of a Slice with all of them constant, axes counted from the front.
std::optional<Cuts> cuts_of(const Graph& graph, const Node& slice) {
  const auto starts = constant_ints(graph, slice, "", 1);
  const auto ends = constant_ints(graph, slice, "", 2);
  auto axes = constant_ints(graph, slice, "", 3);
  auto steps = constant_ints(graph, slice, "", 4);
  const auto rank = rank_of(graph, slice.inputs[0]);
  if (!starts || !ends || !axes || !steps || !rank) return std::nullopt;
  if (!slice.has_input(3)) {
    axes->resize(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  for (std::int64_t& axis : *axes) axis = normalize_axis(axis, *rank);
  steps->resize(starts->size(), 1);
  return Cuts{.starts = *starts, .ends = *ends, .axes = *axes, .steps = *steps};
}

void append(std::vector<std::int64_t>& list, const std::vector<std::int64_t>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

Plan merge_slices(const Graph& graph, const Node& second) {
  const Node* first = graph.producer(second.inputs[0], "Slice");
  if (!first) return decline("the input is not computed by Slice");
  if (graph.opset() < first_opset_with_inputs) return decline("the opset keeps the cuts in attributes");
  if (!graph.has_single_use(second.inputs[0])) return decline("the first result is used elsewhere");
  auto cuts = cuts_of(graph, *first);
  const auto more = cuts_of(graph, second);
  if (!cuts || !more) return decline("the cuts are computed, not constant");
  if (std::ranges::find_first_of(cuts->axes, more->axes) != cuts->axes.end())
    return decline("both cut the same axis");
  append(cuts->starts, more->starts);
  append(cuts->ends, more->ends);
  append(cuts->axes, more->axes);
  append(cuts->steps, more->steps);

  Edit edit(graph);
  std::vector<ValueId> inputs = {first->inputs[0], edit.add_constant(int64_tensor(cuts->starts), "starts"),
                                 edit.add_constant(int64_tensor(cuts->ends), "ends"),
                                 edit.add_constant(int64_tensor(cuts->axes), "axes"),
                                 edit.add_constant(int64_tensor(cuts->steps), "steps")};
  edit.replace(second.outputs[0], edit.add_node({.op_type = "Slice",
                                                 .inputs = std::move(inputs),
                                                 .name = second.name,
                                                 .output_names = {graph.name_of(second.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass merge_slices_pass() {
  return rewrite_pass("merge_slices",
                      {.roots = {"Slice"},
                       .summary = "Make one Slice out of two in a row that cut different axes.",
                       .plan = merge_slices});
}

}  // namespace edgeopt
