// conv(c x) == (c W) x, and for a Conv that does not pad conv(x + c) == W x + (b + W c): the normalization of
// an image moves into the first layer.
#include "passes/framework/input_affine.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

constexpr int first_opset_that_broadcasts = 7;

// The node's effect on each channel; nothing if it is none of that kind (constant - x, constant / x).
std::optional<ChannelAffine> change_of(const Node& node, const ConstantOperand& operand,
                                       const Tensor& vector) {
  const std::int64_t count = vector.element_count();
  const Tensor one = filled(count, 1);
  const Tensor zero = filled(count, 0);
  if (node.is("Mul")) return ChannelAffine{.gain = vector, .shift = zero};
  if (node.is("Add")) return ChannelAffine{.gain = one, .shift = vector};
  if (node.is("Div") && operand.is_second) return ChannelAffine{.gain = one / vector, .shift = zero};
  if (node.is("Sub") && operand.is_second) return ChannelAffine{.gain = one, .shift = zero - vector};
  return std::nullopt;
}

Plan fold_scale_into_next(const Graph& graph, const Node& node) {
  const auto operand = constant_operand(graph, node);
  if (!operand) return no_match();
  if (graph.opset() < first_opset_that_broadcasts) return decline("the opset broadcasts by attributes");
  const auto& shape = graph.type_of(operand->other).shape;
  if (!shape || shape->size() < 3 || !(*shape)[1].is_number()) return decline("the channels are not known");
  const auto vector = per_channel(*graph.constant(operand->constant), shape->size(), (*shape)[1].size);
  if (!vector) return decline("the constant is not one number per channel");
  const auto change = change_of(node, *operand, *vector);
  if (!change) return decline("the constant is the first operand");
  const auto conv = conv_behind(graph, node.outputs[0], *change);
  if (const auto* declined = std::get_if<Declined>(&conv)) return *declined;
  return absorb_from_input(graph, *std::get<const Node*>(conv), *change, operand->other);
}

}  // namespace

Pass fold_scale_into_next_pass() {
  return rewrite_pass("fold_scale_into_next",
                      {.roots = {"Mul", "Div", "Add", "Sub"},
                       .summary = "Merge constant factors and summands of a Conv's input into the Conv.",
                       .fidelity = Fidelity::rounding,
                       .plan = fold_scale_into_next});
}

}  // namespace edgeopt
