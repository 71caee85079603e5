#include "reports/sensitivity_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

double total_damage(const Sensitivity& sensitivity) {
  double sum = 0;
  for (const LayerDamage& layer : sensitivity.layers) sum += layer.damage;
  return sum;
}

std::string decibels(double value) {
  return std::isfinite(value) ? fmt::format("{:.1f} dB", value) : (value > 0 ? "exact" : "not finite");
}

std::string worst_channel(const LayerEvidence& evidence) {
  if (evidence.worst_channel < 0) return "";
  return fmt::format("{}: {}", evidence.worst_channel, decibels(evidence.worst_channel_sqnr_db));
}

std::string share_of(double part, double whole) {
  return std::isfinite(part) && whole > 0 && std::isfinite(whole)
             ? fmt::format("{:.1f} %", 100 * part / whole)
             : "";
}

}  // namespace

Table sensitivity_table(const Sensitivity& sensitivity, std::size_t row_count) {
  Table table{
      .header = {"layer", "operator", "damage", "of all", "SQNR", "clipped", "range", "worst channel"}};
  const double total = total_damage(sensitivity);
  for (std::size_t i = 0; i < std::min(row_count, sensitivity.layers.size()); ++i) {
    const LayerDamage& layer = sensitivity.layers[i];
    const LayerEvidence& evidence = layer.evidence;
    table.rows.push_back(
        {layer.node, layer.op_type, fmt::format("{:.3g}", layer.damage), share_of(layer.damage, total),
         decibels(evidence.sqnr_db), fmt::format("{:.3f} %", 100 * evidence.clipped_share),
         fmt::format("{:.4g} to {:.4g}", evidence.range.min, evidence.range.max), worst_channel(evidence)});
  }
  return table;
}

std::string sensitivity_explanation(const Sensitivity& sensitivity) {
  return fmt::format("damage of each layer alone: {}; on {} samples", sensitivity.loss,
                     sensitivity.sample_count);
}

Json sensitivity_to_json(const Sensitivity& sensitivity) {
  Json layers = Json::array();
  for (const LayerDamage& layer : sensitivity.layers) {
    const LayerEvidence& evidence = layer.evidence;
    const bool has_channels = evidence.worst_channel >= 0;
    layers.push_back(
        {{"node", layer.node},
         {"op_type", layer.op_type},
         {"multiply_adds", layer.multiply_adds},
         {"damage", number(layer.damage)},
         {"sqnr_db", number(evidence.sqnr_db)},
         {"clipped_share", evidence.clipped_share},
         {"range", {evidence.range.min, evidence.range.max}},
         {"worst_channel", has_channels ? Json(evidence.worst_channel) : Json()},
         {"worst_channel_sqnr_db", has_channels ? number(evidence.worst_channel_sqnr_db) : Json()},
         {"histogram",
          {{"low", evidence.histogram.low},
           {"high", evidence.histogram.high},
           {"counts", evidence.histogram.counts}}}});
  }
  return {{"method", sensitivity.method == SensitivityMethod::measured ? "measured" : "gradient"},
          {"loss", sensitivity.loss},
          {"measured_on", sensitivity.samples},
          {"sample_count", sensitivity.sample_count},
          {"layers", layers}};
}

}  // namespace edgeopt
