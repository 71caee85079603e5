#include "passes/framework/padding.h"

#include <algorithm>
#include <numeric>

#include "passes/framework/match.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_pads = 2;  // Pad-1 calls them `paddings`
constexpr int first_opset_with_inputs = 11;
constexpr std::size_t axes_input = 3;  // since opset 18
constexpr std::size_t batch_and_channel = 2;

std::optional<double> value_of(const Graph& graph, const Node& pad) {
  if (graph.opset() < first_opset_with_inputs) return pad.attributes.get_float("value", 0);
  return pad.has_input(2) ? constant_number(graph, pad.inputs[2]) : 0;
}

// pads [begins.., ends..] of `axes`, spread over all axes.
std::vector<std::int64_t> over_all_axes(const std::vector<std::int64_t>& pads,
                                        const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<std::int64_t> all(2 * rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(normalize_axis(axes[i], rank));
    all[axis] = pads[i];
    all[axis + rank] = pads[i + axes.size()];
  }
  return all;
}

}  // namespace

std::variant<Declined, SpatialPad> spatial_pad_of(const Graph& graph, const Node& pad) {
  if (pad.attributes.get_string("mode", "constant") != "constant")
    return Declined{"the Pad repeats elements"};
  const bool has_inputs = graph.opset() >= first_opset_with_inputs;
  const char* attribute = graph.opset() < first_opset_with_pads ? "paddings" : "pads";
  const auto pads = constant_ints(graph, pad, attribute, has_inputs ? 1 : -1);
  const auto value = value_of(graph, pad);
  if (!pads || !value) return Declined{"the pads are computed, not constant"};
  auto axes = constant_ints(graph, pad, "", has_inputs ? static_cast<int>(axes_input) : -1);
  const auto rank = pad.has_input(axes_input) ? rank_of(graph, pad.inputs[0]) : pads->size() / 2;
  if (!axes || !rank) return Declined{"the padded axes are not known"};
  if (!pad.has_input(axes_input)) {
    axes->resize(*rank);
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (*rank <= batch_and_channel || pads->size() != 2 * axes->size())
    return Declined{"there are no spatial dims"};

  const std::vector<std::int64_t> all = over_all_axes(*pads, *axes, *rank);
  if (std::ranges::any_of(all, [](std::int64_t amount) { return amount < 0; }))
    return Declined{"the Pad cuts off"};
  const auto ends = all.begin() + static_cast<std::ptrdiff_t>(*rank);
  if (all[0] || all[1] || ends[0] || ends[1]) return Declined{"the batch or the channels are padded"};
  return SpatialPad{.begins = {all.begin() + batch_and_channel, ends},
                    .ends = {ends + batch_and_channel, all.end()},
                    .value = *value};
}

std::vector<std::int64_t> with_pad(std::vector<std::int64_t> pads, const SpatialPad& pad) {
  const std::size_t count = pad.begins.size();
  pads.resize(2 * count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    pads[i] += pad.begins[i];
    pads[i + count] += pad.ends[i];
  }
  return pads;
}

bool has_explicit_pads(const Node& window) {
  const std::string auto_pad = window.attributes.get_string("auto_pad", "NOTSET");
  return auto_pad == "NOTSET" || auto_pad == "VALID";
}

}  // namespace edgeopt
