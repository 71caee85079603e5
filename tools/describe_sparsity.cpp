#include "tools/describe_sparsity.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/tables.h"
#include "tools/describe_prune.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string percent(const std::optional<double>& share) { return share ? percent(*share) : "not measured"; }

double share_of(const SparseLayer& layer) {
  return static_cast<double>(layer.zero_count) / static_cast<double>(layer.element_count);
}

std::string layer_table(const std::vector<SparseLayer>& layers) {
  Table table{.header = {"layer", "weights", "zeros", "error before repair", "error"}};
  for (const SparseLayer& layer : layers)
    table.rows.push_back({fmt::format("{} '{}'", layer.op_type, layer.node),
                          std::to_string(layer.element_count), percent(share_of(layer)),
                          percent(layer.error_before), percent(layer.error_after)});
  return to_text(table);
}

std::string dense_table(const std::vector<DenseLayer>& layers) {
  Table table{.header = {"layer", "weights", "because"}};
  for (const DenseLayer& layer : layers)
    table.rows.push_back({fmt::format("{} '{}'", layer.op_type, layer.node),
                          std::to_string(layer.element_count), layer.reason});
  return to_text(table);
}

}  // namespace

double zero_share(const SparseModel& sparse) {
  std::int64_t zeros = 0, all = 0;
  for (const SparseLayer& layer : sparse.layers) {
    zeros += layer.zero_count;
    all += layer.element_count;
  }
  for (const DenseLayer& layer : sparse.left_alone) all += layer.element_count;
  return all == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(all);
}

std::string sparsity_headline(const SparseModel& sparse, const SparsityPattern& pattern) {
  return fmt::format("{} of the weights are zero ({} in {} of {} layers)", percent(zero_share(sparse)),
                     name_of(pattern), sparse.layers.size(), sparse.layers.size() + sparse.left_alone.size());
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

std::string sparsity_text(const SparsifiedModel& sparsified) {
  std::string text =
      "zeros (errors relative to the layer's output):\n" + layer_table(sparsified.sparse.layers);
  if (!sparsified.sparse.left_alone.empty())
    text += "\nleft dense:\n" + dense_table(sparsified.sparse.left_alone);
  if (!sparsified.after_repair)
    return text + "\nneither repaired nor judged: no samples were given (--data)\n";
  text += fmt::format("\non {} samples that were not learned from, before any training:\n",
                      sparsified.after_repair->sample_count);
  if (!sparsified.caution.empty()) text += fmt::format("  caution: {}\n", sparsified.caution);
  return text + judgement_table(*sparsified.before_repair, *sparsified.after_repair);
}

Json sparsity_json(const SparsifiedModel& sparsified, const SparsityPattern& pattern) {
  Json json = {{"pattern", name_of(pattern)},
               {"asked_share", pattern.share},
               {"zero_share", zero_share(sparsified.sparse)},
               {"layers", Json::array()},
               {"left_dense", Json::array()}};
  for (const SparseLayer& layer : sparsified.sparse.layers) {
    Json entry = {{"node", layer.node},
                  {"op_type", layer.op_type},
                  {"element_count", layer.element_count},
                  {"zero_count", layer.zero_count}};
    if (layer.error_before) entry["error_before"] = *layer.error_before;
    if (layer.error_after) entry["error_after"] = *layer.error_after;
    json["layers"].push_back(entry);
  }
  for (const DenseLayer& layer : sparsified.sparse.left_alone)
    json["left_dense"].push_back({{"node", layer.node},
                                  {"op_type", layer.op_type},
                                  {"element_count", layer.element_count},
                                  {"reason", layer.reason}});
  if (sparsified.before_repair) json["before_repair"] = judgement_json(*sparsified.before_repair);
  if (sparsified.after_repair) json["after_repair"] = judgement_json(*sparsified.after_repair);
  if (!sparsified.caution.empty()) json["caution"] = sparsified.caution;
  return json;
}

}  // namespace edgeopt
