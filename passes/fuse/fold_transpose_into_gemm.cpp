// gemm(transpose(A), B) == gemm<transA>(A, B), and likewise B
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

bool swaps_two_axes(const Node& transpose) {
  const std::vector<std::int64_t> permutation = transpose.attributes.get_ints("perm");
  return permutation.empty() || permutation == std::vector<std::int64_t>{1, 0};
}

Plan fold_transpose(const Graph& graph, const Node& gemm) {
  Attributes attributes = gemm.attributes;
  Edit edit(graph);
  bool has_changed = false;
  for (std::size_t i = 0; i < 2; ++i) {
    const Node* transpose = graph.producer(gemm.inputs[i], "Transpose");
    if (!transpose || !swaps_two_axes(*transpose)) continue;
    const char* name = i == 0 ? "transA" : "transB";
    attributes.set(name, attributes.get_int(name, 0) == 0 ? 1 : 0);
    edit.set_input(gemm.id, i, transpose->inputs[0]);
    has_changed = true;
  }
  if (!has_changed) return decline("no operand is computed by Transpose");
  edit.set_attributes(gemm.id, std::move(attributes));
  return edit;
}

}  // namespace

Pass fold_transpose_into_gemm_pass() {
  return rewrite_pass("fold_transpose_into_gemm",
                      {.roots = {"Gemm"},
                       .summary = "Let Gemm read its operands transposed by itself.",
                       .fidelity = Fidelity::rounding,
                       .plan = fold_transpose});
}

}  // namespace edgeopt
