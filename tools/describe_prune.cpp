#include "tools/describe_prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

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

std::string group_table(const std::vector<PrunedGroup>& groups) {
  Table table{.header = {"channels", "removed", "computed by"}};
  for (const PrunedGroup& group : groups)
    table.rows.push_back(
        {std::to_string(group.channel_count), std::to_string(group.removed_count), group.name});
  return to_text(table);
}

std::string block_table(const std::vector<RemovedBlock>& blocks) {
  Table table{.header = {"block", "damage before repair, with those above"}};
  for (const RemovedBlock& block : blocks)
    table.rows.push_back({block.name, fmt::format("{:.3g}", block.damage)});
  return to_text(table);
}

std::string kept_table(const std::vector<KeptLayer>& kept) {
  Table table{.header = {"layer", "kept", "because"}};
  for (const KeptLayer& layer : kept)
    table.rows.push_back({fmt::format("{} '{}'", layer.op_type, layer.node),
                          fmt::format("{} of {}", layer.kept_count, layer.channel_count), layer.reason});
  return to_text(table);
}

std::string figure(const std::optional<Interval>& interval, const std::string& unit) {
  if (!interval) return "";
  return fmt::format("{:.2f}{}", interval->value, unit == "percent" ? " %" : unit.empty() ? "" : " " + unit);
}

std::string text_of(const PrunedModel& pruned, const ModelFiles& files) {
  std::string text =
      fmt::format("{}: {:.1f} % of the multiply-adds, {:.1f} % of the parameters, {} -> {}{}\n\n",
                  files.result, 100 * share(pruned.multiply_adds), 100 * share(pruned.parameters),
                  human_bytes(model_bytes(files.original)), human_bytes(model_bytes(files.result)),
                  pruned.meets_budget ? "" : "; the budget is out of reach");
  text += "cost (fused model):\n" + to_text({.header = {"", "original", "result", "kept"},
                                             .rows = {cost_row("multiply-adds", pruned.multiply_adds),
                                                      cost_row("parameters", pruned.parameters),
                                                      cost_row("time (estimate)", pruned.latency)}});
  if (!pruned.blocks.empty()) text += "\nresidual blocks that are gone:\n" + block_table(pruned.blocks);
  text += "\nchannels that go together:\n" + group_table(pruned.groups);
  if (!pruned.kept.empty()) text += "\nleft alone:\n" + kept_table(pruned.kept);
  if (!pruned.after_repair) return text + "\nneither repaired nor judged: no samples were given (--data)\n";
  text += fmt::format("\non {} samples that were not learned from ({} layers repaired):\n",
                      pruned.after_repair->sample_count, pruned.repaired.size());
  if (!pruned.caution.empty()) text += fmt::format("  caution: {}\n", pruned.caution);
  return text + judgement_table(*pruned.before_repair, *pruned.after_repair);
}

}  // namespace

std::string judgement_table(const Judgement& before, const Judgement& after) {
  Table table{.header = {"metric", "original", "before repair", "result"}};
  for (const Metric& metric : after.metrics) {
    const Metric* unrepaired = before.find(metric.name);
    table.rows.push_back({metric.name, figure(metric.original, metric.unit),
                          unrepaired ? figure(unrepaired->result, metric.unit) : "",
                          figure(metric.result, metric.unit)});
  }
  return to_text(table);
}

Json judgement_json(const Judgement& judgement) {
  Json json = {{"sample_count", judgement.sample_count}, {"metrics", Json::object()}};
  for (const Metric& metric : judgement.metrics) {
    Json entry = {{"unit", metric.unit}};
    if (metric.original) entry["original"] = metric.original->value;
    if (metric.result) entry["result"] = metric.result->value;
    json["metrics"][metric.name] = entry;
  }
  return json;
}

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
  if (pruned.before_repair) json["before_repair"] = judgement_json(*pruned.before_repair);
  if (pruned.after_repair) json["after_repair"] = judgement_json(*pruned.after_repair);
  if (!pruned.caution.empty()) json["caution"] = pruned.caution;
  for (const RepairedLayer& layer : pruned.repaired)
    json["repaired"].push_back(
        {{"node", layer.node}, {"error_before", layer.error_before}, {"error_after", layer.error_after}});
  return {.text = text_of(pruned, files), .json = json.dump(2, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace edgeopt
