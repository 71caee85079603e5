// W2 f(W1 x + b1) == (W2 S) f(S^-1 W1 x + S^-1 b1) for a diagonal S > 0 and f(s x) == s f(x); with
// s_i = sqrt(r1_i / r2_i) channel i has the same range in both weights, and one scale suits all channels.
// Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
// section 4.1.
#include <algorithm>
#include <cmath>
#include <map>

#include "passes/equalization_layers.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

// A layer between two others answers to both; each round roughly halves what is left, so that 0.1 percent
// take some ten rounds for ranges that differ a thousandfold. The bound is for long chains.
constexpr double converged_change = 1e-3;
constexpr int max_round_count = 50;
// Factors nearer to 1 are not worth an edit: an eighth bit tells steps of 1 / 127 apart.
constexpr double worthwhile_change = 1.0 / 127;

using Layers = std::map<NodeId, EqualizedLayer>;

std::vector<double> magnitudes(const std::vector<double>& weight, const std::vector<std::int32_t>& channel,
                               std::int32_t channel_count, std::int32_t repeat) {
  std::vector<double> largest(static_cast<std::size_t>(channel_count), 0.0);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    double& magnitude = largest[static_cast<std::size_t>(channel[i] / repeat)];
    magnitude = std::max(magnitude, std::abs(weight[i]));
  }
  return largest;
}

// s_i, but no bias grows beyond the layer's largest: a channel of tiny weights would else stretch the range
// of all activations (the "high biases" of section 4.1.3).
std::vector<double> factors_of(const EqualizedLayer& first, const EqualizedLayer& second,
                               std::int32_t repeat) {
  const auto before = magnitudes(first.weight, first.output_channel, first.output_count, 1);
  const auto behind = magnitudes(second.weight, second.input_channel, first.output_count, repeat);
  double largest_bias = 0;
  for (const double bias : first.bias) largest_bias = std::max(largest_bias, std::abs(bias));
  std::vector<double> factors(before.size(), 1.0);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double ratio = before[i] / behind[i];
    if (!std::isfinite(ratio) || ratio == 0) continue;
    factors[i] = std::sqrt(ratio);
    if (largest_bias > 0) factors[i] = std::max(factors[i], std::abs(first.bias[i]) / largest_bias);
  }
  return factors;
}

void apply(const std::vector<double>& factors, EqualizedLayer& first, EqualizedLayer& second,
           std::int32_t repeat) {
  for (std::size_t i = 0; i < first.weight.size(); ++i)
    first.weight[i] /= factors[static_cast<std::size_t>(first.output_channel[i])];
  for (std::size_t i = 0; i < first.bias.size(); ++i) first.bias[i] /= factors[i];
  for (std::size_t i = 0; i < second.weight.size(); ++i)
    second.weight[i] *= factors[static_cast<std::size_t>(second.input_channel[i] / repeat)];
}

// One round over all pairs in the order of the graph; returns the largest change |log s| that it made.
double equalize_once(const std::vector<LayerLink>& links, Layers& layers) {
  double change = 0;
  for (const LayerLink& link : links) {
    EqualizedLayer& first = layers.at(link.first);
    EqualizedLayer& second = layers.at(link.second);
    const std::vector<double> factors = factors_of(first, second, link.repeat);
    for (const double factor : factors) change = std::max(change, std::abs(std::log(factor)));
    apply(factors, first, second, link.repeat);
  }
  return change;
}

Edit edit_of(const Graph& graph, const std::vector<LayerLink>& links, const Layers& layers) {
  Edit edit(graph);
  for (const auto& [id, layer] : layers) {
    const Node& node = graph.node(id);
    const auto set = [&](std::size_t input, const std::vector<double>& elements) {
      const ValueId old = node.inputs[input];
      const Tensor before = *graph.constant(old);
      Tensor changed = from_doubles(before.dtype(), before.dims(), elements);
      if (graph.has_single_use(old))
        edit.set_constant(old, std::move(changed));
      else
        edit.set_input(id, input, edit.add_constant(std::move(changed), graph.name_of(old)));
    };
    set(1, layer.weight);
    if (!layer.bias.empty()) set(2, layer.bias);
  }
  // What was observed there holds no more.
  for (const LayerLink& link : links)
    for (const ValueId value : link.between) edit.set_range(value, std::nullopt);
  return edit;
}

Sweep equalize_channels(const Graph& graph) {
  Sweep sweep;
  std::vector<LayerLink> links;
  Layers layers;
  for (const NodeId id : graph.nodes()) {
    if (graph.node(id).is("MatMul")) continue;  // counts its channels on another axis
    auto layer = equalized_layer_of(graph, graph.node(id));
    if (const auto* declined = std::get_if<Declined>(&layer)) {
      count_decline(sweep.declined, declined->reason);
      continue;
    }
    const auto link = link_behind(graph, std::get<EqualizedLayer>(layer));
    if (const auto* declined = std::get_if<Declined>(&link)) {
      count_decline(sweep.declined, declined->reason);
      continue;
    }
    links.push_back(std::get<LayerLink>(link));
    for (const NodeId end : {links.back().first, links.back().second})
      layers[end] = std::get<EqualizedLayer>(equalized_layer_of(graph, graph.node(end)));
  }
  double change = equalize_once(links, layers);
  if (change <= worthwhile_change) {
    count_decline(sweep.declined, links.empty() ? "" : "its channels are equal already",
                  static_cast<int>(links.size()));
    return sweep;
  }
  for (int round = 1; round < max_round_count && change > converged_change; ++round)
    change = equalize_once(links, layers);
  sweep.edit = edit_of(graph, links, layers);
  sweep.rewrite_count = static_cast<int>(links.size());
  return sweep;
}

}  // namespace

Pass equalize_channels_pass() {
  return sweep_pass(
      "equalize_channels",
      {.summary = "Scale the channels between two layers so that both weights have equal ranges.",
       .fidelity = Fidelity::rounding,
       .sweep = equalize_channels});
}

}  // namespace edgeopt
