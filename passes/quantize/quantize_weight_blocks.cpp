// x -> MatMul(w)  becomes  x -> MatMul(DequantizeLinear<axis, block_size>(integers, scales)) where
// Value::quantization of the weight says so; activations stay in float.
#include "ir/quantization/block_layout.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_blocks = 21;  // ONNX Operator changelog, DequantizeLinear

Plan quantize_blocks(const Graph& graph, const Node& node) {
  const Value& value = graph.value(node.inputs[1]);
  if (!value.quantization || value.quantization->block_size <= 0) return no_match();
  if (graph.opset() < first_opset_with_blocks)
    return decline("blocks need opset 21, and the model is of an earlier one");
  const std::optional<Tensor> weight = graph.constant(node.inputs[1]);
  if (!weight || weight->rank() != 2 || weight->dtype() != DataType::float32)
    return decline("the weight is not a constant float matrix");
  const ValueQuantization& decided = *value.quantization;
  const BlockLayout blocks = block_layout(weight->dims(), decided);
  const QuantizationScheme scheme = scheme_of(decided);
  const std::vector<float> scales =
      decided.scales.empty() ? block_scales(*weight, blocks, scheme) : decided.scales;
  const Tensor integers =
      store_integers(block_integers(*weight, blocks, scheme, scales), weight->dims(), scheme.type);
  Edit edit(graph);
  const Attributes attributes = {{"axis", static_cast<std::int64_t>(blocks.axis)},
                                 {"block_size", decided.block_size}};
  edit.set_input(
      node.id, 1,
      edit.add_node(NodeSpec{.op_type = "DequantizeLinear",
                             .inputs = {edit.add_constant(integers, value.name + "_quantized"),
                                        edit.add_constant(Tensor::of<float>(blocks.scale_dims(), scales),
                                                          value.name + "_scale")},
                             .attributes = attributes,
                             .output_names = {value.name + "_dequantized"}})[0]);
  return edit;
}

}  // namespace

Pass quantize_weight_blocks_pass() {
  return rewrite_pass("quantize_weight_blocks",
                      {.roots = {"MatMul", "Gemm"},
                       .summary = "Store weights that were marked for it in blocks of few bits.",
                       .fidelity = Fidelity::lossy,
                       .plan = quantize_blocks});
}

}  // namespace edgeopt
