#include "passes/quantization_widths.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ir/edit.h"
#include "passes/quantization_plan.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr int fewest_bits = 2;
constexpr int most_packed_bits = 4;

// "w4" out of "w4a8"; moves past it.
std::optional<int> take_bits(std::string_view& text, char letter) {
  if (text.empty() || text[0] != letter) return std::nullopt;
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), bits);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return bits;
}

bool is_width(int bits) { return bits >= fewest_bits && bits <= 8; }

// What the graph would quantize if every range were known.
QuantizationPlan plan_without_ranges(const Graph& graph, const QuantizationRules& rules,
                                     const std::set<std::string>& keep_float) {
  Edit edit(graph);
  for (const ValueId id : graph.values())
    if (!graph.value(id).constant && !graph.value(id).range) edit.set_range(id, Range{.min = -1, .max = 1});
  return plan_quantization(edit.apply(), rules, keep_float);
}

class Assignment {
 public:
  Assignment(const Graph& graph, const QuantizationRules& rules, const QuantizationWidths& widths)
      : graph_(graph),
        rules_(rules),
        widths_(widths),
        plan_(plan_without_ranges(graph, rules, widths.float_layers())),
        edit_(graph) {}

  Graph run() {
    for (const Layer& layer : plan_.layers)
      if (layer.kind == LayerKind::computes) assign(layer);
    refuse_unknown_layers();
    give_to_scale_groups();
    for (const auto& [value, bits] : activation_bits_) set_activation(value, bits);
    return edit_.apply();
  }

 private:
  void assign(const Layer& layer) {
    const Node& node = graph_.node(layer.node);
    const std::string& name = label_of(graph_, node);
    const auto named = widths_.layers.find(name);
    const bool is_named = named != widths_.layers.end();
    if (is_named) found_.insert(name);
    const LayerScheme scheme = is_named ? named->second : widths_.scheme;
    const bool is_at_edge = reads_input(layer) || graph_.is_output(layer.output);
    const bool stays_wide = !is_named && is_at_edge && scheme.activation_bits < 8;
    for (const ValueId input : layer.data_inputs) {
      int& bits = activation_bits_[input];
      bits = std::max(bits, stays_wide ? 8 : scheme.activation_bits);
    }
    const std::optional<Tensor> weight = graph_.constant(node.inputs[1]);
    if (!weight) return;
    const bool has_wide_weight =
        !is_named && scheme.weight_bits < 8 && (reads_input(layer) || is_depthwise(node, weight->dims()));
    set_weight(node, has_wide_weight ? 8 : scheme.weight_bits);
  }

  // What moves into or out of a value has its scale, and so its width.
  void give_to_scale_groups() {
    std::map<ValueId, int> widest;
    for (const auto& [value, bits] : activation_bits_) {
      int& group = widest[plan_.activations.at(value).scale_owner];
      group = std::max(group, bits);
    }
    for (const auto& [value, quantization] : plan_.activations)
      if (const auto group = widest.find(quantization.scale_owner); group != widest.end())
        activation_bits_[value] = group->second;
  }

  bool reads_input(const Layer& layer) const {
    return std::ranges::any_of(layer.data_inputs,
                               [&](ValueId input) { return graph_.producer(input) == nullptr; });
  }

  void set_weight(const Node& node, int bits) {
    const ValueId weight = node.inputs[1];
    if (graph_.value(weight).quantization) return;
    const QuantizationScheme usual = weight_scheme(graph_, rules_, node);
    const bool is_packed = widths_.packs_weights && bits <= most_packed_bits;
    edit_.set_quantization(weight, ValueQuantization{.type = is_packed ? DataType::int4 : usual.type,
                                                     .bits = std::min(bits, usual.bits)});
  }

  void set_activation(ValueId value, int bits) {
    if (graph_.value(value).quantization) return;
    const QuantizationScheme usual = activation_scheme(rules_);
    DataType type = usual.type;
    if (bits > 8) type = is_signed(usual.type) ? DataType::int16 : DataType::uint16;
    edit_.set_quantization(value,
                           ValueQuantization{.type = type, .bits = bits, .is_symmetric = usual.is_symmetric});
  }

  void refuse_unknown_layers() const {
    for (const auto& [name, scheme] : widths_.layers) {
      if (scheme.is_float || found_.contains(name)) continue;
      const auto kept = std::ranges::find(plan_.kept_float, name, &KeptFloat::node);
      throw UserError(fmt::format("layer '{}' cannot have the scheme {}: {}", name, name_of(scheme),
                                  kept != plan_.kept_float.end()
                                      ? kept->reason
                                      : "there is no node of this name that computes with weights"));
    }
  }

  const Graph& graph_;
  const QuantizationRules& rules_;
  const QuantizationWidths& widths_;
  QuantizationPlan plan_;
  Edit edit_;
  std::map<ValueId, int> activation_bits_;
  std::set<std::string> found_;
};

}  // namespace

LayerScheme scheme_named(std::string_view name) {
  if (name == "int8") return {};
  if (name == "float") return {.is_float = true};
  std::string_view rest = name;
  const std::optional<int> weight = take_bits(rest, 'w');
  const std::optional<int> activation = take_bits(rest, 'a');
  if (!weight || !activation || !rest.empty() || !is_width(*weight) ||
      (!is_width(*activation) && *activation != 16))
    throw UserError(
        fmt::format("scheme '{}' is none; there are int8, float, and w<bits>a<bits> with 2 to 8 bits for "
                    "weights and 2 to 8 or 16 for activations, such as w4a8, w4a4, w8a16",
                    name));
  return {.weight_bits = *weight, .activation_bits = *activation};
}

std::string name_of(const LayerScheme& scheme) {
  if (scheme.is_float) return "float";
  if (scheme.is_int8()) return "int8";
  return fmt::format("w{}a{}", scheme.weight_bits, scheme.activation_bits);
}

bool QuantizationWidths::are_all_int8() const {
  return scheme.is_int8() &&
         std::ranges::all_of(layers, [](const auto& entry) { return entry.second.is_int8(); });
}

bool QuantizationWidths::need_later_opset() const {
  const auto needs = [&](const LayerScheme& each) {
    return !each.is_float &&
           (each.activation_bits > 8 || (packs_weights && each.weight_bits <= most_packed_bits));
  };
  return needs(scheme) || std::ranges::any_of(layers, [&](const auto& entry) { return needs(entry.second); });
}

std::set<std::string> QuantizationWidths::float_layers() const {
  std::set<std::string> names;
  for (const auto& [name, scheme] : layers)
    if (scheme.is_float) names.insert(name);
  return names;
}

Graph with_widths(const Graph& graph, const QuantizationRules& rules, const QuantizationWidths& widths) {
  return Assignment(graph, rules, widths).run();
}

}  // namespace edgeopt
