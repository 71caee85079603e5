// (W x + b) + c == W x + (b + c), for one c per output channel; c - (W x + b) == (-W) x + (c - b)
#include "passes/framework/linear_layer.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

constexpr int first_opset_that_broadcasts = 7;  // before, `axis` and `broadcast` say how

ChannelAffine change_of(const Node& node, const ConstantOperand& operand, const Tensor& vector) {
  if (node.is("Add")) return {.shift = vector};
  const Tensor minus_one = filled(vector.element_count(), -1);
  if (operand.is_second) return {.shift = minus_one * vector};
  return {.gain = minus_one, .shift = vector};
}

Plan fold_add(const Graph& graph, const Node& add) {
  const auto operand = constant_operand(graph, add);
  if (!operand) return no_match();
  if (graph.opset() < first_opset_that_broadcasts) return decline("the opset broadcasts by attributes");
  const auto found = linear_layer_of(graph, operand->other);
  if (const auto* declined = std::get_if<Declined>(&found)) return *declined;
  const auto& layer = std::get<LinearLayer>(found);
  if (layer.node->is("MatMul")) return decline("fuse_matmul_add takes the MatMul");
  const auto vector =
      per_channel(*graph.constant(operand->constant), layer.result_rank(), layer.channel_count);
  if (!vector) return decline("the constant is not one number per channel");
  return absorb(graph, layer, change_of(add, *operand, *vector), add.outputs[0]);
}

}  // namespace

Pass fold_add_into_layer_pass() {
  return rewrite_pass(
      "fold_add_into_layer",
      {.roots = {"Add", "Sub"},
       .summary =
           "Merge the addition of a constant into the bias of the Conv, ConvTranspose or Gemm before it.",
       .fidelity = Fidelity::rounding,
       .plan = fold_add});
}

}  // namespace edgeopt
