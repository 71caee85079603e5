#include "passes/weight_blocks.h"

#include "ir/edit.h"
#include "passes/quantization_plan.h"

namespace edgeopt {

Graph with_weight_blocks(const Graph& graph, const WeightBlocks& blocks,
                         const std::set<std::string>& keep_float) {
  Edit edit(graph);
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if ((!node.is("MatMul") && !node.is("Gemm")) || keep_float.contains(label_of(graph, node))) continue;
    const std::optional<Tensor> weight = graph.constant(node.inputs[1]);
    if (!weight || weight->rank() != 2 || weight->dtype() != DataType::float32 || weight->is_empty())
      continue;
    if (!graph.has_single_use(node.inputs[1])) continue;
    const bool is_transposed = node.is("Gemm") && node.attributes.get_int("transB", 0) != 0;
    edit.set_quantization(node.inputs[1], ValueQuantization{.type = DataType::int4,
                                                            .bits = blocks.bits,
                                                            .axis = is_transposed ? 1 : 0,
                                                            .block_size = blocks.block_size});
  }
  return edit.apply();
}

}  // namespace edgeopt
