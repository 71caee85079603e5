// reshape(reshape(x)) == reshape(x), where each may be Reshape, Flatten, Squeeze or Unsqueeze
#include "passes/framework/reshape_dims.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_shape_input = 5;

Plan merge_reshapes(const Graph& graph, const Node& second) {
  const Node* first = graph.producer(second.inputs[0]);
  if (!first || !keeps_element_order(*first)) return decline("the input is not computed by a reshape");
  if (graph.opset() < first_opset_with_shape_input)
    return decline("the opset keeps the shape in an attribute");
  const auto dims = reshape_dims(graph.type_of(second.outputs[0]).shape);
  if (!dims) return decline("more than one dim of the result is not known, or one is 0");

  Edit edit(graph);
  const ValueId shape = edit.add_constant(int64_tensor(*dims), "shape");
  edit.replace(second.outputs[0], edit.add_node({.op_type = "Reshape",
                                                 .inputs = {first->inputs[0], shape},
                                                 .name = second.name,
                                                 .output_names = {graph.name_of(second.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass merge_reshapes_pass() {
  return rewrite_pass("merge_reshapes", {.roots = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"},
                                         .summary = "Make one Reshape out of two reshapes in a row.",
                                         .plan = merge_reshapes});
}

}  // namespace edgeopt
