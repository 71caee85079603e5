// reshape(x, computed) -> reshape(x, constant), when all dims of the result but one are known.
#include "passes/framework/reshape_dims.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_shape_input = 5;

Plan fold_reshape_target(const Graph& graph, const Node& reshape) {
  if (graph.opset() < first_opset_with_shape_input)
    return decline("the opset keeps the shape in an attribute");
  if (graph.constant(reshape.input(1))) return decline("the shape is constant already");
  const auto dims = reshape_dims(graph.type_of(reshape.outputs[0]).shape);
  if (!dims) return decline("more than one dim of the result is not known, or one is 0");
  Edit edit(graph);
  edit.set_input(reshape.id, 1, edit.add_constant(int64_tensor(*dims), "shape"));
  return edit;
}

}  // namespace

Pass fold_reshape_target_pass() {
  return rewrite_pass("fold_reshape_target",
                      {.roots = {"Reshape"},
                       .summary = "Give a Reshape constant dims where the result's dims are known.",
                       .plan = fold_reshape_target});
}

}  // namespace edgeopt
