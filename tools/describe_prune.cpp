#include "tools/describe_prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/compression_report.h"
#include "reports/tables.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

double share(const CostChange& change) { return change.original == 0 ? 1 : change.result / change.original; }

std::string count_text(double count) {
  if (count >= 1e6) return fmt::format("{:.2f} M", count / 1e6);
  return count >= 1e3 ? fmt::format("{:.1f} k", count / 1e3) : fmt::format("{:.0f}", count);
}

std::vector<std::string> cost_row(const std::string& name, const CostChange& change) {
  return {name, count_text(change.original), count_text(change.result),
          fmt::format("{:.1f} %", 100 * share(change))};
}

Json cost_json(const CostChange& change) {
  return {{"original", change.original}, {"result", change.result}, {"kept", share(change)}};
}

std::string block_table(const std::vector<RemovedBlock>& blocks) {
  Table table{.header = {"block", "damage before repair, with those above"}};
  for (const RemovedBlock& block : blocks)
    table.rows.push_back({block.name, fmt::format("{:.3g}", block.damage)});
  return to_text(table);
}

std::string text_of(const PrunedModel& pruned, const ModelFiles& files) {
  std::string text = fmt::format(
      "{}: {:.1f} % of the multiply-adds, {:.1f} % of the parameters, {} -> {}{}\n\n", files.result,
      100 * share(pruned.multiply_adds), 100 * share(pruned.parameters), human_bytes(files.original_bytes),
      human_bytes(model_bytes(files.result)), pruned.meets_budget ? "" : "; the budget is out of reach");
  text += "cost (fused model):\n" + to_text({.header = {"", "original", "result", "kept"},
                                             .rows = {cost_row("multiply-adds", pruned.multiply_adds),
                                                      cost_row("parameters", pruned.parameters),
                                                      cost_row("time (estimate)", pruned.latency)}});
  if (!pruned.blocks.empty()) text += "\nresidual blocks that are gone:\n" + block_table(pruned.blocks);
  if (pruned.missing_block_count > 0)
    text +=
        fmt::format("  {} more were to go, but no other block can be left out\n", pruned.missing_block_count);
  text += "\nchannels that go together:\n" + to_text(pruned_group_table(pruned.groups));
  if (!pruned.kept.empty()) text += "\nleft alone:\n" + to_text(unpruned_table(pruned.kept));
  if (!pruned.after_repair) return text + "\nneither repaired nor judged: no samples were given (--data)\n";
  text += fmt::format("\non {} samples that were not learned from ({} layers repaired):\n",
                      pruned.after_repair->sample_count, pruned.repaired.size());
  if (!pruned.caution.empty()) text += fmt::format("  caution: {}\n", pruned.caution);
  return text + to_text(repair_table(*pruned.before_repair, *pruned.after_repair));
}

}  // namespace

Answer describe_prune(const PrunedModel& pruned, const ModelFiles& files) {
  Json json = {{"model", files.original},
               {"result", files.result},
               {"meets_budget", pruned.meets_budget},
               {"multiply_adds", cost_json(pruned.multiply_adds)},
               {"parameters", cost_json(pruned.parameters)},
               {"latency_estimate", cost_json(pruned.latency)},
               {"groups", Json::array()},
               {"left_alone", Json::array()}};
  for (const RemovedBlock& block : pruned.blocks)
    json["removed_blocks"].push_back({{"name", block.name}, {"damage", block.damage}});
  for (const PrunedGroup& group : pruned.groups)
    json["groups"].push_back({{"name", group.name},
                              {"channel_count", group.channel_count},
                              {"removed_count", group.removed_count}});
  for (const KeptLayer& layer : pruned.kept)
    json["left_alone"].push_back({{"node", layer.node},
                                  {"op_type", layer.op_type},
                                  {"channel_count", layer.channel_count},
                                  {"kept_count", layer.kept_count},
                                  {"reason", layer.reason}});
  if (pruned.before_repair) json["before_repair"] = judgement_to_json(*pruned.before_repair);
  if (pruned.after_repair) json["after_repair"] = judgement_to_json(*pruned.after_repair);
  if (!pruned.caution.empty()) json["caution"] = pruned.caution;
  for (const RepairedLayer& layer : pruned.repaired)
    json["repaired"].push_back(
        {{"node", layer.node}, {"error_before", layer.error_before}, {"error_after", layer.error_after}});
  return {.text = text_of(pruned, files), .json = json.dump(2, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace edgeopt
