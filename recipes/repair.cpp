#include "recipes/repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "ir/label.h"
#include "ir/op.h"
#include "passes/quantization_plan.h"
#include "recipes/bit_assignment.h"

namespace edgeopt {
namespace {

// Halving the damage gains 3 dB; after 2^-6 of it the layers that are left matter less than rounding the
// outputs.
constexpr int halving_count = 6;

constexpr int whole_byte = 8;  // bits

// A layer that can be mended: its damage gone for this cost.
struct Mendable {
  std::string node;
  double cost = 0;
  double damage = 0;
};

// Names of the layers to mend so that the damages of the others sum to at most `budget`.
std::vector<std::string> cheapest_to_mend(const std::vector<Mendable>& layers, double budget) {
  std::vector<std::vector<LayerChoice>> choices;
  for (const Mendable& layer : layers) {
    choices.push_back({{.value = std::max(1.0, layer.cost), .weight = 0}});
    if (std::isfinite(layer.damage)) choices.back().push_back({.value = 0, .weight = layer.damage});
  }
  const std::vector<std::size_t> assignment = assign_choices(choices, budget).value();
  std::vector<std::string> names;
  for (std::size_t k = 0; k < assignment.size(); ++k)
    if (assignment[k] == 0) names.push_back(layers[k].node);
  return names;
}

// Ever more layers, each time those that leave half of the damage.
std::vector<std::vector<std::string>> ever_more(const std::vector<Mendable>& layers) {
  double budget = 0;
  for (const Mendable& layer : layers)
    if (std::isfinite(layer.damage)) budget += layer.damage;
  std::vector<std::vector<std::string>> sets;
  for (int halving = 0; halving < halving_count; ++halving) {
    budget /= 2;
    std::vector<std::string> names = cheapest_to_mend(layers, budget);
    if (!names.empty() && (sets.empty() || names != sets.back())) sets.push_back(std::move(names));
  }
  return sets;
}

std::string told(const std::vector<std::string>& names, std::string_view where) {
  constexpr std::size_t shown_count = 3;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(shown_count, names.size()));
  const std::string shown = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  return fmt::format("{} layer{} {}: {}{}", names.size(), names.size() == 1 ? "" : "s", where, shown,
                     names.size() > shown_count ? ", ..." : "");
}

// The bits of what a layer computes with, and how many weights it has.
struct LayerBits {
  int weight = whole_byte;
  int activation = whole_byte;
  std::int64_t weight_count = 0;

  bool is_narrow() const { return weight < whole_byte || activation < whole_byte; }
  /// Steps of b bits less make 4^b times the noise.
  double noise_at_whole_bytes() const {
    const int raised = std::max({whole_byte - weight, whole_byte - activation, 0});
    return std::pow(0.25, raised);
  }
};

LayerBits bits_of(const Graph& prepared, const QuantizationRules& rules, const Node& node) {
  LayerBits bits;
  const OpDefinition* op = find_op(node);
  const int place = op ? op->quantization.weight_input : -1;
  if (place < 0 || std::ssize(node.inputs) <= place) return bits;
  const std::optional<Tensor> weight = prepared.constant(node.inputs[static_cast<std::size_t>(place)]);
  if (!weight) return bits;
  bits.weight = weight_scheme(prepared, rules, node).bits;
  bits.weight_count = weight->element_count();
  if (const auto& decided = prepared.value(node.inputs[0]).quantization) bits.activation = decided->bits;
  return bits;
}

std::map<std::string, LayerBits> bits_by_name(const QuantizedModel& quantized,
                                              const QuantizationRules& rules) {
  std::map<std::string, LayerBits> bits;
  for (const NodeId id : quantized.prepared.nodes()) {
    const Node& node = quantized.prepared.node(id);
    bits[label_of(quantized.prepared, node)] = bits_of(quantized.prepared, rules, node);
  }
  return bits;
}

class Repairs {
 public:
  Repairs(const QuantizedModel& quantized, const Sensitivity& sensitivity, const QuantizeOptions& options)
      : sensitivity_(sensitivity),
        options_(options),
        bits_(bits_by_name(quantized, options.profile.quantization)) {
    best_.options = options;
    // Who named an observer wants that one.
    if (options.observers.size() == 1) return;
    best_.options.observers = {{.method = quantized.observer}};
    best_.arguments = {fmt::format("--observer {}", name_of(quantized.observer))};
  }

  std::vector<Repair> list() {
    if (options_.observers.size() > 1) {
      repairs_.push_back(
          {.what = "ranges by percentile", .options = options_, .arguments = {"--observer percentile"}});
      repairs_.back().options.observers = {{.method = ObserverMethod::percentile}};
    }
    at_whole_bytes();
    in_float();
    return std::move(repairs_);
  }

 private:
  LayerBits bits_at(const std::string& node) const {
    const auto found = bits_.find(node);
    return found == bits_.end() ? LayerBits{} : found->second;
  }

  void at_whole_bytes() {
    std::vector<Mendable> narrow;
    std::vector<std::string> all;
    for (const LayerDamage& layer : sensitivity_.layers) {
      const LayerBits bits = bits_at(layer.node);
      if (!bits.is_narrow()) continue;
      narrow.push_back({layer.node,
                        static_cast<double>(bits.weight_count * std::max(0, whole_byte - bits.weight)),
                        layer.damage});
      all.push_back(layer.node);
    }
    if (narrow.empty()) return;
    for (const std::vector<std::string>& names : ever_more(narrow))
      if (names.size() < all.size()) repairs_.push_back(raised(names));
    best_ = raised(all);
    repairs_.push_back(best_);
  }

  Repair raised(const std::vector<std::string>& names) const {
    Repair repair{.what = told(names, "at 8 bits"), .options = best_.options, .arguments = best_.arguments};
    for (const std::string& name : names) {
      const LayerBits bits = bits_at(name);
      const LayerScheme scheme{.weight_bits = std::max(bits.weight, whole_byte),
                               .activation_bits = std::max(bits.activation, whole_byte)};
      repair.options.widths.layers[name] = scheme;
      repair.arguments.push_back(fmt::format("--layer-scheme {}={}", name, name_of(scheme)));
    }
    return repair;
  }

  void in_float() {
    std::vector<Mendable> layers;
    for (const LayerDamage& layer : sensitivity_.layers)
      layers.push_back({layer.node, static_cast<double>(layer.multiply_adds),
                        layer.damage * bits_at(layer.node).noise_at_whole_bytes()});
    for (const std::vector<std::string>& names : ever_more(layers)) {
      if (names.size() == layers.size()) return;
      Repair repair{.what = told(names, "in float"), .options = best_.options, .arguments = best_.arguments};
      for (const std::string& name : names) {
        repair.options.keep_float.push_back(name);
        repair.options.widths.layers.erase(name);
        repair.arguments.push_back("--keep-float " + name);
      }
      repairs_.push_back(std::move(repair));
    }
  }

  const Sensitivity& sensitivity_;
  const QuantizeOptions& options_;
  const std::map<std::string, LayerBits> bits_;
  Repair best_;  // before layers go to float: with the observer that was best, all layers at 8 bits or more
  std::vector<Repair> repairs_;
};

}  // namespace

std::vector<Repair> possible_repairs(const QuantizedModel& quantized, const Sensitivity& sensitivity,
                                     const QuantizeOptions& options) {
  return Repairs(quantized, sensitivity, options).list();
}

}  // namespace edgeopt
