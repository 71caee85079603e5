#include "recipes/weight_widths.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "calibration/rounding/second_order_rounding.h"
#include "ir/edit.h"
#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "passes/quantization_plan.h"
#include "recipes/bit_assignment.h"
#include "recipes/sensitivity.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr int whole_bits = 8;
constexpr int packed_bits = 4;  // two in a byte; in between, integers lie in a whole byte all the same

// Measuring runs half the model once per layer and sample, 8 directions of gradients three times as much
// each: beyond this many layers gradients are cheaper.
constexpr std::size_t most_measured_layers = 48;

// Stands for a damage without bound, so that sums stay finite and comparable.
constexpr double ruinous_damage = 1e30;

double file_bytes(const Graph& graph) { return static_cast<double>(model_to_bytes(graph).size()); }

bool is_named(const QuantizeOptions& options, const std::string& name) {
  return options.widths.layers.contains(name) || std::ranges::count(options.keep_float, name) > 0;
}

std::set<std::string> float_names(const QuantizeOptions& options) {
  std::set<std::string> names = options.widths.float_layers();
  names.insert(options.keep_float.begin(), options.keep_float.end());
  return names;
}

/// Layers that read one weight.
struct Candidate {
  LayerWidths layer;
  ValueId weight = ValueId::none;
  LayerScheme scheme;     // what the options say, but for the bits of the weight
  bool is_fixed = false;  // the options name one of the layers
};

// As passes/quantization_widths.h does with layers that nobody names.
bool keeps_wide_activations(const Graph& graph, const Layer& layer) {
  return graph.is_output(layer.output) || std::ranges::any_of(layer.data_inputs, [&](ValueId input) {
           return graph.producer(input) == nullptr;
         });
}

std::vector<Candidate> find_candidates(const Graph& graph, const QuantizeOptions& options) {
  const QuantizationPlan plan = plan_quantization(graph, options.profile.quantization, float_names(options));
  std::vector<Candidate> candidates;
  for (const Layer& layer : plan.layers) {
    const Node& node = graph.node(layer.node);
    if (layer.kind != LayerKind::computes || !graph.constant(node.inputs[1])) continue;
    auto found = std::ranges::find(candidates, node.inputs[1], &Candidate::weight);
    if (found == candidates.end())
      found = candidates.insert(
          found,
          {.layer = {.op_type = node.op_type}, .weight = node.inputs[1], .scheme = options.widths.scheme});
    found->layer.nodes.push_back(label_of(graph, node));
    found->is_fixed |= is_named(options, found->layer.nodes.back());
    if (keeps_wide_activations(graph, layer))
      found->scheme.activation_bits = std::max(whole_bits, found->scheme.activation_bits);
  }
  std::erase_if(candidates, [](const Candidate& candidate) { return candidate.is_fixed; });
  return candidates;
}

// Without what was decided of the weights that have a choice.
Graph undecided(const Graph& graph, const std::vector<Candidate>& candidates) {
  Edit edit(graph);
  for (const Candidate& candidate : candidates) edit.set_quantization(candidate.weight, std::nullopt);
  return edit.apply();
}

class Measurement {
 public:
  Measurement(const Graph& ranged, const SampleSource& samples, const QuantizeOptions& options)
      : options_(options),
        samples_(samples),
        bits_(possible_weight_bits(options.widths.scheme)),
        candidates_(find_candidates(ranged, options)),
        ranged_(undecided(with_inferred_types(ranged), candidates_)) {
    options_.recovery.reset();
    for (Candidate& candidate : candidates_)
      for (const int bits : bits_) candidate.layer.widths.push_back({.bits = bits});
  }

  WidthChoice run() {
    WidthChoice measured;
    measure_bytes(measured);
    for (std::size_t width = 0; width < bits_.size() && !candidates_.empty(); ++width)
      measure_damages(width, measured);
    for (const Candidate& candidate : candidates_) measured.layers.push_back(candidate.layer);
    return measured;
  }

  const std::vector<Candidate>& candidates() const { return candidates_; }

 private:
  // Every candidate's weights at bits_[width].
  QuantizeOptions all_at(std::size_t width) const {
    QuantizeOptions all = options_;
    for (const Candidate& candidate : candidates_) set(all.widths, candidate, width);
    return all;
  }

  void set(QuantizationWidths& widths, const Candidate& candidate, std::size_t width) const {
    LayerScheme scheme = candidate.scheme;
    scheme.weight_bits = bits_[width];
    for (const std::string& name : candidate.layer.nodes) widths.layers[name] = scheme;
  }

  // Beside the integers, a width costs scales, zero points and nodes: what the file itself takes is counted.
  void measure_bytes(WidthChoice& measured) {
    const std::size_t narrowest = bits_.size() - 1;
    const QuantizeOptions narrow = all_at(narrowest);
    const double all_narrow = file_bytes(quantize_with_ranges(ranged_, narrow).graph);
    measured.smallest_bytes = all_narrow;
    for (Candidate& candidate : candidates_) {
      std::vector<WeightWidth>& widths = candidate.layer.widths;
      for (std::size_t width = 0; width < narrowest; ++width) {
        QuantizeOptions other = narrow;
        set(other.widths, candidate, width);
        widths[width].bytes = file_bytes(quantize_with_ranges(ranged_, other).graph) - all_narrow;
      }
      // A few weights take fewer bytes than the node that makes whole bytes of them.
      const double least = std::ranges::min(widths, {}, &WeightWidth::bytes).bytes;
      for (WeightWidth& width : widths) width.bytes -= least;
      measured.smallest_bytes += least;
    }
  }

  void measure_damages(std::size_t width, WidthChoice& measured) {
    const QuantizeOptions all = all_at(width);
    const Graph rounded = rounded_at(all);
    const Sensitivity sensitivity = sensitivity_with(all, rounded);
    measured.loss = sensitivity.loss;
    measured.sample_count = sensitivity.sample_count;
    std::map<std::string, double> damages;
    for (const LayerDamage& layer : sensitivity.layers)
      damages[layer.node] = std::isfinite(layer.damage) ? layer.damage : ruinous_damage;
    for (Candidate& candidate : candidates_)
      for (const std::string& name : candidate.layer.nodes)
        candidate.layer.widths[width].damage += damages.at(name);
  }

  // As quantize_model rounds; elsewhere weights stay as they are.
  Graph rounded_at(const QuantizeOptions& options) const {
    if (options.rounding == WeightRounding::nearest) return ranged_;
    const Graph widened = with_widths(ranged_, options.profile.quantization, options.widths);
    const auto scheme_of = [&](const Node& node) -> std::optional<QuantizationScheme> {
      const QuantizationScheme scheme = weight_scheme(widened, options.profile.quantization, node);
      const bool is_wanted = options.rounding == WeightRounding::second_order || scheme.bits < whole_bits;
      return is_wanted ? std::optional(scheme) : std::nullopt;
    };
    const auto progress = [&](std::int64_t done, std::int64_t count) {
      if (options.progress) options.progress("rounding weights to choose widths", done, count);
    };
    return with_second_order_rounding(widened, quantize_with_ranges(ranged_, options).graph, samples_,
                                      {.scheme_of = scheme_of, .progress = progress});
  }

  Sensitivity sensitivity_with(const QuantizeOptions& options, const Graph& rounded) const {
    SensitivityOptions how{.rounded = &rounded, .progress = options.progress};
    if (candidates_.size() > most_measured_layers) {
      how.method = SensitivityMethod::gradient;
      try {
        return layer_sensitivity(ranged_, samples_, options, how);
      } catch (const UserError&) {
        how.method = SensitivityMethod::measured;  // an operator without a gradient: slower, no worse
      }
    }
    return layer_sensitivity(ranged_, samples_, options, how);
  }

  QuantizeOptions options_;
  const SampleSource& samples_;
  std::vector<int> bits_;
  std::vector<Candidate> candidates_;
  Graph ranged_;
};

std::vector<std::size_t> all_lightest(const std::vector<LayerWidths>& layers) {
  std::vector<std::size_t> choice;
  choice.reserve(layers.size());
  for (const LayerWidths& layer : layers)
    choice.push_back(static_cast<std::size_t>(
        std::ranges::min_element(layer.widths, {}, &WeightWidth::bytes) - layer.widths.begin()));
  return choice;
}

std::optional<std::vector<std::size_t>> least_damage(const std::vector<LayerWidths>& layers, double budget) {
  std::vector<std::vector<LayerChoice>> choices(layers.size());
  for (std::size_t k = 0; k < layers.size(); ++k)
    for (const WeightWidth& width : layers[k].widths)
      choices[k].push_back({.value = width.damage, .weight = width.bytes});
  return assign_choices(choices, budget);
}

}  // namespace

std::vector<int> possible_weight_bits(const LayerScheme& scheme) {
  return scheme.weight_bits > packed_bits ? std::vector{scheme.weight_bits, packed_bits}
                                          : std::vector{whole_bits, scheme.weight_bits};
}

WidthStudy::WidthStudy(const Graph& ranged, const SampleSource& samples, const QuantizeOptions& options)
    : options_(options) {
  Measurement measurement(ranged, samples, options);
  measured_ = measurement.run();
  for (const Candidate& candidate : measurement.candidates()) schemes_.push_back(candidate.scheme);
}

WidthChoice WidthStudy::choose(double largest_bytes) const {
  WidthChoice choice = measured_;
  choice.widths = options_.widths;
  choice.expected_bytes = choice.smallest_bytes;
  const auto found = least_damage(choice.layers, largest_bytes - choice.smallest_bytes);
  choice.is_within = found.has_value();
  const std::vector<std::size_t> chosen = found.value_or(all_lightest(choice.layers));
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    LayerWidths& layer = choice.layers[k];
    layer.chosen = chosen[k];
    const WeightWidth& width = layer.widths[chosen[k]];
    choice.expected_bytes += width.bytes;
    // What 8 bits everywhere mean needs no mention of single layers.
    if (width.bits == whole_bits && options_.widths.scheme.weight_bits == whole_bits) continue;
    LayerScheme scheme = schemes_[k];
    scheme.weight_bits = width.bits;
    for (const std::string& name : layer.nodes) choice.widths.layers[name] = scheme;
  }
  return choice;
}

}  // namespace edgeopt
