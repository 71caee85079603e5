// transpose(x) == x when every axis stays where it is.
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

SameValue input_if_axes_stay(const Graph& graph, const Node& transpose) {
  const std::vector<std::int64_t> permutation = transpose.attributes.get_ints("perm");
  if (permutation.empty()) {
    const auto rank = rank_of(graph, transpose.inputs[0]);
    return rank && *rank <= 1 ? SameValue(transpose.inputs[0]) : Declined{"the axes are reversed"};
  }
  for (std::size_t i = 0; i < permutation.size(); ++i)
    if (permutation[i] != static_cast<std::int64_t>(i)) return Declined{"an axis moves"};
  return transpose.inputs[0];
}

}  // namespace

Pass remove_noop_transpose_pass() {
  return bypass_pass("remove_noop_transpose", {.roots = {"Transpose"},
                                               .summary = "Remove a Transpose that moves no axis.",
                                               .same_value = input_if_axes_stay});
}

}  // namespace edgeopt
