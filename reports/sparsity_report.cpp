#include "reports/sparsity_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/compression_report.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string percent(const std::optional<double>& share) { return share ? percent(*share) : "not measured"; }

double share_of(const SparseLayer& layer) {
  return static_cast<double>(layer.zero_count) / static_cast<double>(layer.element_count);
}

}  // namespace

std::string sparsity_headline(const SparsityFacts& facts) {
  return fmt::format("{} of the weights are zero ({} in {} of {} layers)", percent(facts.zero_share()),
                     name_of(facts.pattern), facts.layers.size(),
                     facts.layers.size() + facts.left_alone.size());
}

Table zero_table(const SparsityFacts& facts) {
  Table table{.header = {"layer", "operator", "weights", "zeros", "error before repair", "error"}};
  for (const SparseLayer& layer : facts.layers)
    table.rows.push_back({layer.node, layer.op_type, std::to_string(layer.element_count),
                          percent(share_of(layer)), percent(layer.error_before), percent(layer.error_after)});
  return table;
}

Table dense_table(const SparsityFacts& facts) {
  Table table{.header = {"layer", "operator", "weights", "dense because"}};
  for (const DenseLayer& layer : facts.left_alone)
    table.rows.push_back({layer.node, layer.op_type, std::to_string(layer.element_count), layer.reason});
  return table;
}

std::vector<std::string> speed_notes(const SparsityPattern& pattern,
                                     const std::vector<HardwareProfile>& profiles) {
  std::vector<std::string> notes;
  for (const HardwareProfile& profile : profiles) {
    const bool is_faster =
        std::ranges::find(profile.sparse_patterns, name_of(pattern)) != profile.sparse_patterns.end();
    notes.push_back(
        is_faster ? fmt::format("{}: its runtime is faster with {} weights", profile.name, name_of(pattern))
                  : fmt::format("{}: no gain in speed; its runtime multiplies by the zeros", profile.name));
  }
  notes.emplace_back(
      "the file is smaller once compressed (zip, gzip), or with --sparse-storage where most weights are "
      "zero");
  if (pattern.is_grouped() && pattern.kept_of_group == 2 && pattern.group_size == 4)
    notes.emplace_back(
        "GPUs with sparse tensor cores run 2:4 faster through a runtime that uses them (TensorRT)");
  return notes;
}

Json sparsity_to_json(const SparsityFacts& facts) {
  Json json = {{"pattern", name_of(facts.pattern)},
               {"asked_share", facts.pattern.share},
               {"zero_share", facts.zero_share()},
               {"layers", Json::array()},
               {"left_dense", Json::array()}};
  for (const SparseLayer& layer : facts.layers) {
    Json entry = {{"node", layer.node},
                  {"op_type", layer.op_type},
                  {"element_count", layer.element_count},
                  {"zero_count", layer.zero_count}};
    if (layer.error_before) entry["error_before"] = *layer.error_before;
    if (layer.error_after) entry["error_after"] = *layer.error_after;
    json["layers"].push_back(entry);
  }
  for (const DenseLayer& layer : facts.left_alone)
    json["left_dense"].push_back({{"node", layer.node},
                                  {"op_type", layer.op_type},
                                  {"element_count", layer.element_count},
                                  {"reason", layer.reason}});
  if (facts.before_repair) json["before_repair"] = judgement_to_json(*facts.before_repair);
  if (facts.after_repair) json["after_repair"] = judgement_to_json(*facts.after_repair);
  if (!facts.caution.empty()) json["caution"] = facts.caution;
  return json;
}

}  // namespace edgeopt
