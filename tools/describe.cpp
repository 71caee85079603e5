// What the commands print: tables of passes, sizes and counts, as text and as JSON.
#include "tools/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "reports/ratio.h"
#include "reports/width_report.h"
#include "reports/write.h"
#include "tools/distill_options.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

std::string step_table(const std::vector<StepOutcome>& steps) {
  std::string text;
  for (const StepOutcome& step : steps) {
    if (step.rewrite_count == 0 && !step.dropped_because) continue;
    text += fmt::format("  {:<32} {:>4} x {:>9.1f} ms", step.pass, step.rewrite_count, step.time_ms);
    if (step.dropped_because) text += fmt::format("  dropped: {}", *step.dropped_because);
    text += '\n';
  }
  return text.empty() ? "  nothing applied; `--json -` gives each pass's reasons\n" : text;
}

Json steps_to_json(const std::vector<StepOutcome>& steps) {
  Json list = Json::array();
  for (const StepOutcome& step : steps) {
    Json json = {{"pass", step.pass},
                 {"stage", step.stage},
                 {"rewrite_count", step.rewrite_count},
                 {"time_ms", step.time_ms}};
    for (const auto& [reason, count] : step.declined)
      json["declined"].push_back({{"reason", reason}, {"count", count}});
    if (step.dropped_because) json["dropped_because"] = *step.dropped_because;
    list.push_back(json);
  }
  return list;
}

std::string what_became_integer(const QuantizedModel& quantized) {
  if (quantized.packed_layer_count == 1) return "1 layer has its weights in integers";
  if (quantized.packed_layer_count > 1)
    return fmt::format("{} layers have their weights in integers", quantized.packed_layer_count);
  if (quantized.integer_layer_count == 1) return "1 layer runs in integers";
  return fmt::format("{} layers run in integers", quantized.integer_layer_count);
}

}  // namespace

std::uint64_t model_bytes(const std::string& path) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  const auto data = std::filesystem::file_size(path + ".data", ignored);
  return (size == std::uintmax_t(-1) ? 0 : size) + (data == std::uintmax_t(-1) ? 0 : data);
}

ModelFiles model_files(const std::string& original, const std::string& result) {
  return {.original = original, .result = result, .original_bytes = model_bytes(original)};
}

Answer describe_fuse(const Graph& original, const FuseOutcome& outcome, const ModelFiles& files) {
  const std::uint64_t before = files.original_bytes;
  const std::uint64_t after = model_bytes(files.result);
  std::string text = fmt::format("{}: {} nodes -> {}, {} -> {}\n\npasses:\n{}", files.result,
                                 original.nodes().size(), outcome.graph.nodes().size(), human_bytes(before),
                                 human_bytes(after), step_table(outcome.steps));
  text += outcome.checked_on.empty()
              ? "\nnot checked against the original\n"
              : fmt::format("\nlargest difference from the original: {:.2g} of the output's scale, on {}\n",
                            outcome.difference.relative_error, outcome.checked_on);
  Json json = {
      {"model", files.original},
      {"result", files.result},
      {"node_count", {{"original", original.nodes().size()}, {"result", outcome.graph.nodes().size()}}},
      {"size_bytes", {{"original", before}, {"result", after}}},
      {"passes", steps_to_json(outcome.steps)}};
  json["checked_on"] = outcome.checked_on.empty() ? Json() : Json(outcome.checked_on);
  if (outcome.checked_on.empty())
    json["unchecked_because"] = outcome.unchecked_because;
  else
    json["relative_error"] = outcome.difference.relative_error;
  return {.text = text, .json = json.dump(2, ' ', false, Json::error_handler_t::replace)};
}

namespace {

std::string text_of(const QuantizedModel& quantized, const ModelFiles& files) {
  const std::uint64_t before = files.original_bytes;
  const std::uint64_t after = model_bytes(files.result);
  const Ratio ratio = size_ratio(static_cast<double>(before), static_cast<double>(after));
  std::string text = fmt::format("{}: {}, {} -> {} ({} {})\n", files.result, what_became_integer(quantized),
                                 human_bytes(before), human_bytes(after), ratio.figure, ratio.word);
  if (!quantized.kept_float.empty()) text += "\nkept in float:\n";
  for (const KeptFloat& layer : quantized.kept_float)
    text += fmt::format("  {} ({}): {}\n", layer.node, layer.op_type, layer.reason);
  if (quantized.recovered)
    text += "\nlearning the teacher's outputs back" + describe_learning(*quantized.recovered);
  return text;
}

Json json_of(const QuantizedModel& quantized, const ModelFiles& files) {
  Json kept = Json::array();
  for (const KeptFloat& layer : quantized.kept_float)
    kept.push_back({{"node", layer.node}, {"op_type", layer.op_type}, {"reason", layer.reason}});
  Json json = {{"model", files.original},
               {"result", files.result},
               {"size_bytes", {{"original", files.original_bytes}, {"result", model_bytes(files.result)}}},
               {"integer_layer_count", quantized.integer_layer_count},
               {"packed_layer_count", quantized.packed_layer_count},
               {"kept_float", kept},
               {"passes", steps_to_json(quantized.steps)}};
  if (quantized.recovered) json["learning"] = learning_to_json(*quantized.recovered);
  return json;
}

std::string dumped(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

}  // namespace

Answer describe_quantize(const QuantizedModel& quantized, const ModelFiles& files) {
  return {.text = text_of(quantized, files), .json = dumped(json_of(quantized, files))};
}

Answer describe_quantize_to_size(const SizedModel& sized, const GoalOutcome& goal, const ModelFiles& files) {
  std::string text = text_of(sized.model, files);
  text += goal.is_met
              ? fmt::format("\n{}: met\n", goal.goal.text)
              : fmt::format("\n{}: MISSED, {}; {}\n", goal.goal.text, goal.why_not, sized.limited_because);
  Json json = json_of(sized.model, files);
  json["goal"] = {{"goal", goal.goal.text},
                  {"achieved", goal.achieved},
                  {"is_met", goal.is_met},
                  {"why_not", goal.is_met ? "" : goal.why_not + "; " + sized.limited_because}};
  json["widths"] = sized.choice ? widths_to_json(*sized.choice) : Json();
  if (sized.choice)
    text += "\nbits of weights:\n" + to_text(width_table(*sized.choice)) + "\n" +
            width_explanation(*sized.choice) + "\n";
  return {.text = text, .json = dumped(json), .exit_code = goal.is_met ? exit_done : exit_goal_missed};
}

}  // namespace edgeopt
