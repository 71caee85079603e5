// norm(W x + b) == gain W x + gain (b - mean) + shift,
// where gain = scale / sqrt(variance + epsilon), one factor per output channel.
#include "passes/framework/batch_norm.h"
#include "passes/framework/linear_layer.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

Plan fold_batch_norm(const Graph& graph, const Node& norm) {
  const auto found_affine = affine_of_batch_norm(graph, norm);
  if (const auto* declined = std::get_if<Declined>(&found_affine)) return *declined;
  const auto found_layer = linear_layer_of(graph, norm.inputs[0]);
  if (const auto* declined = std::get_if<Declined>(&found_layer)) return *declined;

  const auto& affine = std::get<ChannelAffine>(found_affine);
  const auto& layer = std::get<LinearLayer>(found_layer);
  if (affine.shift.element_count() != layer.channel_count)
    return decline("the norm's parameters do not fit the channels");
  return absorb(graph, layer, affine, norm.outputs[0]);
}

}  // namespace

Pass fold_batch_norm_pass() {
  return rewrite_pass(
      "fold_batch_norm",
      {.roots = {"BatchNormalization"},
       .summary = "Merge a BatchNormalization into the Conv, ConvTranspose, Gemm or MatMul before it.",
       .fidelity = Fidelity::rounding,
       .plan = fold_batch_norm});
}

}  // namespace edgeopt
