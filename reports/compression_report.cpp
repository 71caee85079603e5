#include "reports/compression_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

Json cost_json(const CostChange& change) {
  return {{"original", change.original}, {"result", change.result}};
}

std::string figure(const std::optional<Interval>& interval, const std::string& unit) {
  if (!interval) return "";
  return fmt::format("{:.2f}{}", interval->value, unit == "percent" ? " %" : unit.empty() ? "" : " " + unit);
}

}  // namespace

Table pruned_group_table(const std::vector<PrunedGroup>& groups) {
  Table table{.header = {"channels of", "before", "after", "damage"}};
  for (const PrunedGroup& group : groups)
    table.rows.push_back({group.name, std::to_string(group.channel_count),
                          std::to_string(group.channel_count - group.removed_count),
                          group.removed_count == 0 ? "" : fmt::format("{:.3g}", group.damage)});
  return table;
}

Table unpruned_table(const std::vector<KeptLayer>& layers) {
  Table table{.header = {"layer", "operator", "kept", "because"}};
  for (const KeptLayer& layer : layers)
    table.rows.push_back({layer.node, layer.op_type,
                          fmt::format("{} of {}", layer.kept_count, layer.channel_count), layer.reason});
  return table;
}

Table share_table(const std::vector<ShareTrial>& trials) {
  Table table{.header = {"blocks less", "what stays", "worst goal, achieved / bound", "damage"}};
  for (const ShareTrial& trial : trials)
    table.rows.push_back({std::to_string(trial.block_count), fmt::format("{:.1f} %", 100 * trial.keep),
                          fmt::format("{:.3f}", trial.excess), fmt::format("{:.3g}", trial.damage)});
  return table;
}

Json pruning_to_json(const PruningFacts& facts) {
  Json groups = Json::array();
  for (const PrunedGroup& group : facts.groups)
    groups.push_back({{"name", group.name},
                      {"channel_count", group.channel_count},
                      {"removed_count", group.removed_count},
                      {"damage", group.damage}});
  Json kept = Json::array();
  for (const KeptLayer& layer : facts.kept)
    kept.push_back({{"node", layer.node},
                    {"op_type", layer.op_type},
                    {"channel_count", layer.channel_count},
                    {"kept_count", layer.kept_count},
                    {"reason", layer.reason}});
  Json trials = Json::array();
  for (const ShareTrial& trial : facts.trials)
    trials.push_back({{"block_count", trial.block_count},
                      {"keep", trial.keep},
                      {"excess", trial.excess},
                      {"damage", trial.damage}});
  return {{"meets_budget", facts.meets_budget},
          {"multiply_adds", cost_json(facts.multiply_adds)},
          {"parameters", cost_json(facts.parameters)},
          {"groups", groups},
          {"left_alone", kept},
          {"trials", trials}};
}

Table repair_table(const Judgement& before, const Judgement& after) {
  Table table{.header = {"metric", "original", "before repair", "result"}};
  for (const Metric& metric : after.metrics) {
    const Metric* unrepaired = before.find(metric.name);
    table.rows.push_back({metric.name, figure(metric.original, metric.unit),
                          unrepaired ? figure(unrepaired->result, metric.unit) : "",
                          figure(metric.result, metric.unit)});
  }
  return table;
}

Json judgement_to_json(const Judgement& judgement) {
  Json json = {{"sample_count", judgement.sample_count}, {"metrics", Json::object()}};
  for (const Metric& metric : judgement.metrics) {
    Json entry = {{"unit", metric.unit}};
    if (metric.original) entry["original"] = metric.original->value;
    if (metric.result) entry["result"] = metric.result->value;
    json["metrics"][metric.name] = entry;
  }
  return json;
}

Table learning_table(const LearningFacts& facts, std::size_t row_count) {
  Table table{.header = {"step", "loss", "loss, held back", ""}};
  const std::size_t count = facts.history.size();
  const std::size_t stride = std::max<std::size_t>(1, (count + row_count - 1) / row_count);
  for (std::size_t i = 0; i < count; ++i) {
    const LossPoint& point = facts.history[i];
    const bool is_best = point.step == facts.best_step;
    if (i % stride != 0 && i + 1 != count && !is_best) continue;
    table.rows.push_back({std::to_string(point.step), fmt::format("{:.6f}", point.training_loss),
                          fmt::format("{:.6f}", point.held_back_loss), is_best ? "kept" : ""});
  }
  return table;
}

Json learning_to_json(const std::vector<LearningFacts>& facts) {
  Json list = Json::array();
  for (const LearningFacts& learning : facts) {
    Json history = Json::array();
    for (const LossPoint& point : learning.history)
      history.push_back({{"step", point.step},
                         {"training_loss", point.training_loss},
                         {"held_back_loss", point.held_back_loss}});
    list.push_back({{"who", learning.who},
                    {"step_count", learning.step_count},
                    {"best_step", learning.best_step},
                    {"history", history}});
  }
  return list;
}

}  // namespace edgeopt
