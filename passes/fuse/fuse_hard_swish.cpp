// x * hard_sigmoid<1/6, 1/2>(x) == hard_swish(x); x * clip(x + 3, 0, 6) / 6 is the same in another order.
#include <fmt/format.h>

#include "passes/framework/clip.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/scaled.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_hard_swish = 14;
constexpr float default_alpha = 0.2f;  // of HardSigmoid, the ONNX spec
constexpr float default_beta = 0.5f;

bool is_gate(const Graph& graph, ValueId id, ValueId x) {
  const Node* gate = graph.producer(id, "HardSigmoid");
  return gate && gate->inputs[0] == x &&
         is_about(gate->attributes.get_float("alpha", default_alpha), 1.0 / 6) &&
         is_about(gate->attributes.get_float("beta", default_beta), 0.5);
}

// clip(x + 3, 0, 6)
bool is_stretched_gate(const Graph& graph, ValueId id, ValueId x) {
  const Node* clip = graph.producer(id, "Clip");
  const auto range = clip ? clip_range_of(graph, *clip) : std::nullopt;
  if (!range || range->low != 0 || range->high != 6) return false;
  const auto shifted = shifted_value(graph, clip->inputs[0]);
  return shifted && shifted->first == x && shifted->second == 3;
}

// x if the root is x * gate(x).
ValueId gated_value(const Graph& graph, const Node& root) {
  const auto scaled = scaled_value(graph, root.outputs[0]);
  const bool is_stretched =
      scaled && is_about(scaled->factor, 1.0 / 6) && graph.has_single_use(scaled->value);
  const Node* product = is_stretched ? graph.producer(scaled->value, "Mul") : &root;
  if (!product || !product->is("Mul")) return ValueId::none;
  const auto matches = is_stretched ? is_stretched_gate : is_gate;
  for (const std::size_t i : {0, 1})
    if (matches(graph, product->inputs[1 - i], product->inputs[i])) return product->inputs[i];
  return ValueId::none;
}

Plan fuse_hard_swish(const Graph& graph, const Node& root) {
  const ValueId x = gated_value(graph, root);
  if (x == ValueId::none) return no_match();
  if (graph.opset() < first_opset_with_hard_swish)
    return decline(fmt::format("HardSwish is an operator since opset {}, and the model imports {}",
                               first_opset_with_hard_swish, graph.opset()));
  Edit edit(graph);
  edit.replace(root.outputs[0], edit.add_node({.op_type = "HardSwish",
                                               .inputs = {x},
                                               .output_names = {graph.name_of(root.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass fuse_hard_swish_pass() {
  return rewrite_pass("fuse_hard_swish", {.roots = {"Mul", "Div"},
                                          .summary = "Make a HardSwish out of x times its HardSigmoid.",
                                          .fidelity = Fidelity::rounding,
                                          .plan = fuse_hard_swish});
}

}  // namespace edgeopt
