#include "calibration/layers/integer_layers.h"

namespace edgeopt {

std::optional<IntegerLayer> integer_layer_at(const Graph& graph, const Node& node) {
  if ((!node.is("Conv") && !node.is("Gemm") && !node.is("MatMul")) || !node.has_input(1)) return std::nullopt;
  const Node* dequantize = graph.producer(node.inputs[1], "DequantizeLinear");
  if (!dequantize) return std::nullopt;
  const Node* cast = graph.producer(dequantize->inputs[0], "Cast");
  const std::optional<Tensor> integers = graph.constant(cast ? cast->inputs[0] : dequantize->inputs[0]);
  const std::optional<Tensor> scales = graph.constant(dequantize->inputs[1]);
  if (!integers || !scales) return std::nullopt;
  const bool is_per_channel = scales->rank() > 0;
  return IntegerLayer{
      .node = node.id,
      .dequantize = dequantize->id,
      .integers = *integers,
      .scales = *scales,
      .axis = is_per_channel ? static_cast<int>(dequantize->attributes.get_int("axis", 1)) : -1};
}

}  // namespace edgeopt
