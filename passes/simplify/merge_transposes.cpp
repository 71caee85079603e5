// transpose(transpose(x, p), q) == transpose(x, r) with r[i] = p[q[i]]
#include <numeric>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

// The permutation that the node means; nothing if it is the default (reversed) and the rank is not known.
std::optional<std::vector<std::int64_t>> permutation_of(const Graph& graph, const Node& transpose) {
  std::vector<std::int64_t> permutation = transpose.attributes.get_ints("perm");
  if (!permutation.empty()) return permutation;
  const auto rank = rank_of(graph, transpose.inputs[0]);
  if (!rank) return std::nullopt;
  permutation.resize(*rank);
  std::iota(permutation.rbegin(), permutation.rend(), 0);
  return permutation;
}

Plan merge_transposes(const Graph& graph, const Node& second) {
  const Node* first = graph.producer(second.inputs[0], "Transpose");
  if (!first) return decline("the input is not computed by Transpose");
  const auto p = permutation_of(graph, *first);
  const auto q = permutation_of(graph, second);
  if (!p || !q) return decline("the rank is not known");
  std::vector<std::int64_t> merged;
  for (const std::int64_t axis : *q) merged.push_back(p->at(static_cast<std::size_t>(axis)));

  Edit edit(graph);
  edit.replace(second.outputs[0], edit.add_node({.op_type = "Transpose",
                                                 .inputs = {first->inputs[0]},
                                                 .attributes = {{"perm", merged}},
                                                 .name = second.name,
                                                 .output_names = {graph.name_of(second.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass merge_transposes_pass() {
  return rewrite_pass("merge_transposes", {.roots = {"Transpose"},
                                           .summary = "Make one Transpose out of two in a row.",
                                           .plan = merge_transposes});
}

}  // namespace edgeopt
