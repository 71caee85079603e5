// clip(x + b, 0, m) / m == clip((x + b) / m, 0, 1) == hard_sigmoid<alpha = 1/m, beta = b/m>(x); usually b =
// 3, m = 6.
#include "passes/framework/clip.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/scaled.h"

namespace edgeopt {
namespace {

constexpr int first_opset = 6;  // HardSigmoid-1 takes the same attributes; its kernels begin at 6

struct Line {
  ValueId x = ValueId::none;
  double slope = 1;
  double offset = 0;
};

// slope * x + offset, as (x + b) * a, x * a + b, x + b or x * a.
Line line_of(const Graph& graph, ValueId id) {
  if (const auto scaled = scaled_value(graph, id)) {
    const auto shifted = shifted_value(graph, scaled->value);
    return shifted ? Line{shifted->first, scaled->factor, scaled->factor * shifted->second}
                   : Line{scaled->value, scaled->factor, 0};
  }
  const auto shifted = shifted_value(graph, id);
  if (!shifted) return {.x = id};
  const auto scaled = scaled_value(graph, shifted->first);
  return scaled ? Line{scaled->value, scaled->factor, shifted->second}
                : Line{shifted->first, 1, shifted->second};
}

// The line that a Clip to [0, high] cuts, stretched so that high becomes 1.
std::optional<Line> clipped_line(const Graph& graph, const Node& clip, double high) {
  const auto range = clip_range_of(graph, clip);
  if (!range || range->low != 0 || !is_about(range->high, high)) return std::nullopt;
  Line line = line_of(graph, clip.inputs[0]);
  line.slope /= range->high;
  line.offset /= range->high;
  return line;
}

// The Clip may stand before the division by its upper bound, or after it.
std::optional<Line> line_behind(const Graph& graph, const Node& root) {
  if (root.is("Clip")) return clipped_line(graph, root, 1);
  const auto scaled = scaled_value(graph, root.outputs[0]);
  const Node* clip = scaled ? graph.producer(scaled->value, "Clip") : nullptr;
  return clip ? clipped_line(graph, *clip, 1 / scaled->factor) : std::nullopt;
}

Plan fuse_hard_sigmoid(const Graph& graph, const Node& root) {
  const auto line = line_behind(graph, root);
  if (!line || line->offset == 0 || !(line->slope > 0)) return no_match();
  if (graph.opset() < first_opset) return decline("the opset is too old for HardSigmoid");
  if (!is_float_or_double(graph, line->x)) return decline("the elements are neither float nor double");

  Edit edit(graph);
  edit.replace(root.outputs[0], edit.add_node({.op_type = "HardSigmoid",
                                               .inputs = {line->x},
                                               .attributes = {{"alpha", static_cast<float>(line->slope)},
                                                              {"beta", static_cast<float>(line->offset)}},
                                               .output_names = {graph.name_of(root.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass fuse_hard_sigmoid_pass() {
  return rewrite_pass("fuse_hard_sigmoid", {.roots = {"Clip", "Div", "Mul"},
                                            .summary = "Make a HardSigmoid out of Add, Clip and Div.",
                                            .fidelity = Fidelity::rounding,
                                            .plan = fuse_hard_sigmoid});
}

}  // namespace edgeopt
