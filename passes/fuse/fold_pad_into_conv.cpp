// conv<pads = p>(pad(x, q)) == conv<pads = p + q>(x), when q adds zeros to spatial dims
#include "passes/framework/match.h"
#include "passes/framework/padding.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

Plan fold_pad_into_conv(const Graph& graph, const Node& conv) {
  const Node* node = graph.producer(conv.inputs[0], "Pad");
  if (!node) return decline("the input is not computed by Pad");
  const auto found = spatial_pad_of(graph, *node);
  if (const auto* declined = std::get_if<Declined>(&found)) return *declined;
  const auto& pad = std::get<SpatialPad>(found);
  if (pad.value != 0) return decline("the Pad adds other numbers than zero");
  if (!has_explicit_pads(conv)) return decline("the Conv pads by auto_pad");

  Attributes attributes = conv.attributes;
  attributes.remove("auto_pad");
  attributes.set("pads", with_pad(conv.attributes.get_ints("pads"), pad));
  Edit edit(graph);
  edit.set_input(conv.id, 0, node->inputs[0]);
  edit.set_attributes(conv.id, std::move(attributes));
  return edit;
}

}  // namespace

Pass fold_pad_into_conv_pass() {
  return rewrite_pass("fold_pad_into_conv",
                      {.roots = {"Conv"},
                       .summary = "Let a Conv pad by itself what a Pad adds to its input.",
                       .fidelity = Fidelity::rounding,
                       .plan = fold_pad_into_conv});
}

}  // namespace edgeopt
