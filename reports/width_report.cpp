#include "reports/width_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

std::string name_of(const LayerWidths& layer) { return fmt::format("{}", fmt::join(layer.nodes, ", ")); }

// --layer-scheme of what was chosen, in the order of names.
std::vector<std::string> options_of(const WidthChoice& choice) {
  std::vector<std::string> options;
  for (const auto& [node, scheme] : choice.widths.layers)
    options.push_back(fmt::format("{}={}", node, edgeopt::name_of(scheme)));
  return options;
}

std::string others_of(const LayerWidths& layer) {
  std::string text;
  for (std::size_t i = 0; i < layer.widths.size(); ++i) {
    if (i == layer.chosen) continue;
    const WeightWidth& width = layer.widths[i];
    text += fmt::format("{}{} bits: {:.3g}, {:+.0f} bytes", text.empty() ? "" : "; ", width.bits,
                        width.damage, width.bytes - layer.widths[layer.chosen].bytes);
  }
  return text;
}

}  // namespace

Table width_table(const WidthChoice& choice) {
  Table table{.header = {"layer", "operator", "bits", "damage", "instead"}};
  for (const LayerWidths& layer : choice.layers) {
    const WeightWidth& width = layer.widths[layer.chosen];
    table.rows.push_back({name_of(layer), layer.op_type, std::to_string(width.bits),
                          fmt::format("{:.3g}", width.damage), others_of(layer)});
  }
  return table;
}

std::string width_explanation(const WidthChoice& choice) {
  double damage = 0;
  for (const LayerWidths& layer : choice.layers) damage += layer.widths[layer.chosen].damage;
  std::string text = fmt::format(
      "damage of each layer alone: {}; on {} samples; {:.3g} in sum, the least for {:.0f} bytes (the fewest "
      "possible: {:.0f})",
      choice.loss, choice.sample_count, damage, choice.expected_bytes, choice.smallest_bytes);
  const std::vector<std::string> options = options_of(choice);
  if (!options.empty())
    text += fmt::format("\nthe same again: --layer-scheme {}", fmt::join(options, " --layer-scheme "));
  return text;
}

Json widths_to_json(const WidthChoice& choice) {
  Json layers = Json::array();
  for (const LayerWidths& layer : choice.layers) {
    Json widths = Json::array();
    for (const WeightWidth& width : layer.widths)
      widths.push_back({{"bits", width.bits}, {"damage", width.damage}, {"further_bytes", width.bytes}});
    layers.push_back({{"nodes", layer.nodes},
                      {"op_type", layer.op_type},
                      {"bits", layer.widths[layer.chosen].bits},
                      {"widths", widths}});
  }
  return {{"loss", choice.loss},
          {"sample_count", choice.sample_count},
          {"smallest_bytes", choice.smallest_bytes},
          {"expected_bytes", choice.expected_bytes},
          {"layer_schemes", options_of(choice)},
          {"layers", layers}};
}

}  // namespace edgeopt
