// conv(gain x + shift) == (gain W) x + (b + W shift), with gain and shift of a BatchNormalization, when the
// Conv does not pad.
#include "passes/framework/batch_norm.h"
#include "passes/framework/input_affine.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

Plan fold_batch_norm_into_next(const Graph& graph, const Node& norm) {
  const auto affine = affine_of_batch_norm(graph, norm);
  if (const auto* declined = std::get_if<Declined>(&affine)) return *declined;
  const auto& change = std::get<ChannelAffine>(affine);
  const auto conv = conv_behind(graph, norm.outputs[0], change);
  if (const auto* declined = std::get_if<Declined>(&conv)) return *declined;
  return absorb_from_input(graph, *std::get<const Node*>(conv), change, norm.inputs[0]);
}

}  // namespace

Pass fold_batch_norm_into_next_pass() {
  return rewrite_pass("fold_batch_norm_into_next",
                      {.roots = {"BatchNormalization"},
                       .summary = "Merge a BatchNormalization into the Conv behind it.",
                       .fidelity = Fidelity::rounding,
                       .plan = fold_batch_norm_into_next});
}

}  // namespace edgeopt
