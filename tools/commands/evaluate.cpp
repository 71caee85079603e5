// How good a model is on samples, and how close to a reference.
#include "recipes/evaluation.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ir/onnx/onnx.h"
#include "recipes/judging.h"
#include "reports/tables.h"
#include "support/error.h"
#include "support/hash.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe.h"
#include "tools/model_options.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::string reference;
  std::vector<std::string> metrics;
  bool shows_classes = false;
  DataOptions data;
};

void declare(CLI::App& app, Options& options) {
  declare_model(app, options.model);
  app.add_option("--reference", options.reference, "The original, to compare with on the same samples")
      ->type_name("MODEL");
  app.add_option("--metric", options.metrics, "Show these alone: top1,top5,agreement,divergence,sqnr,cosine")
      ->delimiter(',')
      ->type_name("NAMES")
      ->allow_extra_args(false);
  app.add_flag("--per-class", options.shows_classes, "Show the accuracy of every class");
  declare_data_options(app, options.data, "Samples to judge on");
}

void keep_wanted(const std::vector<std::string>& wanted, Judgement& judgement) {
  const std::vector<std::string> known = {"top1", "top5", "agreement", "divergence", "sqnr", "cosine"};
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UserError(fmt::format("--metric '{}' is unknown; there are {}", name, fmt::join(known, ", ")));
    if (!judgement.find(name))
      throw UserError(fmt::format("--metric {} needs {}", name,
                                  name.starts_with("top")
                                      ? "labels with the samples and a classifier with enough classes"
                                      : "a model to compare with (--reference)"));
  }
  if (wanted.empty()) return;
  std::erase_if(judgement.metrics, [&](const Metric& metric) {
    return std::find(wanted.begin(), wanted.end(), metric.name.substr(0, metric.name.find(' '))) ==
           wanted.end();
  });
}

Table class_table(const Accuracy& accuracy) {
  Table table{.header = {"class", "samples", "correct", ""}};
  for (const ClassAccuracy& item : accuracy.per_class)
    table.rows.push_back({std::to_string(item.label), std::to_string(item.sample_count),
                          std::to_string(item.correct_count),
                          fmt::format("{:.1f} %", 100.0 * static_cast<double>(item.correct_count) /
                                                      static_cast<double>(item.sample_count))});
  return table;
}

Json to_json(const std::optional<Interval>& interval) {
  if (!interval) return {};
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  return {
      {"value", number(interval->value)}, {"low", number(interval->low)}, {"high", number(interval->high)}};
}

Json to_json(const Options& options, const Evaluation& evaluation, const Judgement& judgement) {
  Json metrics = Json::array();
  for (const Metric& metric : judgement.metrics)
    metrics.push_back({{"name", metric.name},
                       {"unit", metric.unit},
                       {"reference", to_json(metric.original)},
                       {"model", to_json(metric.result)},
                       {"difference", to_json(metric.difference)}});
  Json json = {{"model", options.model},
               {"model_sha256", sha256_of_path(options.model)},
               {"reference", options.reference.empty() ? Json() : Json(options.reference)},
               {"samples", evaluation.samples},
               {"samples_sha256", evaluation.samples_sha256},
               {"sample_count", evaluation.sample_count},
               {"metrics", metrics},
               {"per_class", Json::array()}};
  if (evaluation.accuracy)
    for (const ClassAccuracy& item : evaluation.accuracy->per_class)
      json["per_class"].push_back({{"label", item.label},
                                   {"sample_count", item.sample_count},
                                   {"correct_count", item.correct_count}});
  return json;
}

std::string to_text(const Options& options, const Evaluation& evaluation, const Judgement& judgement) {
  if (judgement.metrics.empty())
    return fmt::format(
        "{}: ran on {} samples; there is nothing to say without labels (accuracy) or --reference "
        "(agreement, SQNR)\n",
        options.model, evaluation.sample_count);
  Report figures;
  figures.accuracy.metrics = judgement.metrics;
  Table table = accuracy_table(figures);
  table.header[1] = "reference";
  table.header[2] = "model";
  std::string text = fmt::format("{} on {} samples ({}):\n{}", options.model, evaluation.sample_count,
                                 evaluation.samples, to_text(table));
  if (options.shows_classes && evaluation.accuracy)
    text += "\nclasses:\n" + to_text(class_table(*evaluation.accuracy));
  return text;
}

Answer run(const Options& options, const RunContext& context) {
  const Graph graph = load_model(options.model);
  const SampleSource samples = open_data(options.data, graph, context);
  std::optional<Graph> reference;
  if (!options.reference.empty()) reference = load_model(options.reference);
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    report_progress(context.progress, "evaluating", done, total);
  };
  const Evaluation evaluation = evaluate_model(
      graph, samples,
      {.reference = reference ? &*reference : nullptr, .seed = context.seed, .progress = progress});
  Judgement judgement = judgement_of(evaluation);
  keep_wanted(options.metrics, judgement);
  return {
      .text = to_text(options, evaluation, judgement),
      .json = to_json(options, evaluation, judgement).dump(2, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

Command evaluate_command() {
  return command<Options>({
      .name = "evaluate",
      .summary = "Measure a model's accuracy on samples, and how closely it follows a reference.",
      .examples = "  edgeopt evaluate model.onnx --data test.npz\n"
                  "  edgeopt evaluate small.onnx --reference model.onnx --data test.npz\n"
                  "  edgeopt evaluate small.onnx --data test.npz --metric top1 --per-class --json -\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
