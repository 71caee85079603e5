// Every pass with its fidelity, the pipelines, and the reason for each place.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "passes/framework/pipeline.h"
#include "tools/command.h"

namespace edgeopt {
namespace {

struct Options {
  std::string pipeline;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--pipeline", options.pipeline,
                 "Show this pipeline alone: its passes in order, with reasons")
      ->type_name("NAME");
}

std::string describe(const Pipeline& pipeline) {
  std::string text = fmt::format("\npipeline {}:\n  {}\n", pipeline.name, pipeline.summary);
  for (const Stage& stage : pipeline.stages) {
    text += fmt::format("  {}{}\n", stage.name, stage.repeats ? ", until nothing changes any more" : "");
    for (const Step& step : stage.steps) text += fmt::format("    {:<30} {}\n", step.pass, step.reason);
  }
  return text;
}

std::string describe_passes() {
  std::string text = "passes:\n";
  for (const Pass& pass : all_passes())
    text += fmt::format("  {:<30} {:<9} {}\n", pass.name, name_of(pass.fidelity), pass.summary);
  return text +
         "\nfidelity:\n  exact      the same bits\n"
         "  rounding   the same mathematics in another order, within float rounding\n"
         "  lossy      other numbers on purpose\n";
}

nlohmann::ordered_json to_json(const Pipeline& pipeline) {
  nlohmann::ordered_json json = {{"name", pipeline.name}, {"summary", pipeline.summary}};
  for (const Stage& stage : pipeline.stages) {
    nlohmann::ordered_json steps = nlohmann::ordered_json::array();
    for (const Step& step : stage.steps) steps.push_back({{"pass", step.pass}, {"reason", step.reason}});
    json["stages"].push_back({{"name", stage.name}, {"repeats", stage.repeats}, {"steps", steps}});
  }
  return json;
}

Answer run(const Options& options, const RunContext&) {
  if (!options.pipeline.empty()) {
    const Pipeline& pipeline = named_pipeline(options.pipeline);
    return {.text = describe(pipeline).substr(1), .json = to_json(pipeline).dump(2)};
  }
  Answer answer{.text = describe_passes()};
  nlohmann::ordered_json json;
  for (const Pass& pass : all_passes())
    json["passes"].push_back(
        {{"name", pass.name}, {"fidelity", name_of(pass.fidelity)}, {"summary", pass.summary}});
  for (const Pipeline& pipeline : all_pipelines()) {
    answer.text += describe(pipeline);
    json["pipelines"].push_back(to_json(pipeline));
  }
  answer.json = json.dump(2);
  return answer;
}

}  // namespace

Command passes_command() {
  return command<Options>({
      .name = "passes",
      .summary =
          "List what edgeopt can do to a graph: passes, their fidelity, and the order of the pipelines.",
      .examples = "  edgeopt passes                    every pass and pipeline\n"
                  "  edgeopt passes --pipeline fuse    what `edgeopt fuse` does, in order, and why\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
