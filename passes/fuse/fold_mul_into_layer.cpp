// (W x + b) * c == (c W) x + c b, for one c per output channel; division likewise with 1 / c
#include "passes/framework/linear_layer.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

constexpr int first_opset_that_broadcasts = 7;  // before, `axis` and `broadcast` say how

Plan fold_mul(const Graph& graph, const Node& mul) {
  const auto operand = constant_operand(graph, mul);
  if (!operand) return no_match();
  if (mul.is("Div") && !operand->is_second) return decline("the layer's result is the divisor");
  if (graph.opset() < first_opset_that_broadcasts) return decline("the opset broadcasts by attributes");
  const auto found = linear_layer_of(graph, operand->other);
  if (const auto* declined = std::get_if<Declined>(&found)) return *declined;
  const auto& layer = std::get<LinearLayer>(found);
  const auto vector =
      per_channel(*graph.constant(operand->constant), layer.result_rank(), layer.channel_count);
  if (!vector) return decline("the constant is not one number per channel");
  const Tensor gain = mul.is("Div") ? filled(layer.channel_count, 1) / *vector : *vector;
  return absorb(graph, layer, {.gain = gain, .shift = filled(layer.channel_count, 0)}, mul.outputs[0]);
}

}  // namespace

Pass fold_mul_into_layer_pass() {
  return rewrite_pass(
      "fold_mul_into_layer",
      {.roots = {"Mul", "Div"},
       .summary =
           "Merge the multiplication by a constant into the Conv, ConvTranspose, Gemm or MatMul before it.",
       .fidelity = Fidelity::rounding,
       .plan = fold_mul});
}

}  // namespace edgeopt
