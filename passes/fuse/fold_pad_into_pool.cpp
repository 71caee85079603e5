// average(pad(x, 0)) == average<pads, count_include_pad>(x), and max(pad(x, v)) == max<pads>(x) when no x is
// below v: MaxPool's own pads never win.
#include <algorithm>
#include <limits>

#include "passes/framework/match.h"
#include "passes/framework/padding.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_that_counts_pads = 7;  // AveragePool's count_include_pad
constexpr double lowest_float = std::numeric_limits<float>::lowest();

// A number that no element of the value is below; nothing if none is known.
std::optional<double> lower_bound_of(const Graph& graph, ValueId id) {
  const Node* node = graph.producer(id);
  if (!node) return std::nullopt;
  if (node->is("Relu") || node->is("Sigmoid") || node->is("HardSigmoid") || node->is("Softmax")) return 0;
  if (!node->is("Clip")) return std::nullopt;
  if (const auto* low = node->attributes.get<float>("min")) return *low;
  return node->has_input(1) ? constant_number(graph, node->inputs[1]) : std::nullopt;
}

// Every window must hold an element of x: runtimes refuse pads as wide as the window.
bool has_room(const Node& pool, const std::vector<std::int64_t>& pads) {
  const std::vector<std::int64_t> kernel = pool.attributes.get_ints("kernel_shape");
  if (pads.size() != 2 * kernel.size()) return false;
  for (std::size_t i = 0; i < pads.size(); ++i)
    if (pads[i] >= kernel[i % kernel.size()]) return false;
  return true;
}

// Why the pool cannot take the pad over; empty if it can.
std::string obstacle(const Graph& graph, const Node& pool, const Node& node, const SpatialPad& pad) {
  if (!has_explicit_pads(pool)) return "the pool pads by auto_pad";
  if (pool.attributes.get_int("ceil_mode", 0) != 0)
    return "the pool rounds up, and its last window may begin in the pad";
  const std::vector<std::int64_t> own = pool.attributes.get_ints("pads");
  if (!has_room(pool, with_pad(own, pad))) return "the pads would be as wide as the window";
  if (pool.is("MaxPool")) {
    if (used_output_count(graph, pool) > 1) return "the indices are used";
    if (pad.value <= lowest_float) return "";
    const auto bound = lower_bound_of(graph, node.inputs[0]);
    return bound && pad.value <= *bound ? "" : "the padded number may be the largest";
  }
  if (graph.opset() < first_opset_that_counts_pads) return "the opset cannot count the pads";
  if (pad.value != 0) return "the Pad adds other numbers than zero";
  const bool pads_itself = std::ranges::any_of(own, [](std::int64_t amount) { return amount != 0; });
  if (pads_itself && pool.attributes.get_int("count_include_pad", 0) == 0)
    return "the pool leaves its own pads out of the average";
  return "";
}

Plan fold_pad_into_pool(const Graph& graph, const Node& pool) {
  const Node* node = graph.producer(pool.inputs[0], "Pad");
  if (!node) return decline("the input is not computed by Pad");
  const auto found = spatial_pad_of(graph, *node);
  if (const auto* declined = std::get_if<Declined>(&found)) return *declined;
  const auto& pad = std::get<SpatialPad>(found);
  if (std::string why = obstacle(graph, pool, *node, pad); !why.empty()) return decline(std::move(why));

  Attributes attributes = pool.attributes;
  attributes.remove("auto_pad");
  attributes.set("pads", with_pad(pool.attributes.get_ints("pads"), pad));
  if (pool.is("AveragePool")) attributes.set("count_include_pad", 1);
  Edit edit(graph);
  edit.set_input(pool.id, 0, node->inputs[0]);
  edit.set_attributes(pool.id, std::move(attributes));
  return edit;
}

}  // namespace

Pass fold_pad_into_pool_pass() {
  return rewrite_pass("fold_pad_into_pool",
                      {.roots = {"AveragePool", "MaxPool"},
                       .summary = "Let a pool pad by itself what a Pad adds to its input.",
                       .fidelity = Fidelity::rounding,
                       .plan = fold_pad_into_pool});
}

}  // namespace edgeopt
