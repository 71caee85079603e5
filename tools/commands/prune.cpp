// Structured pruning: channels taken out for real, under a budget.
#include "recipes/prune.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "hwprofiles/profile.h"
#include "ir/onnx/onnx.h"
#include "recipes/distill.h"
#include "support/error.h"
#include "support/file.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe_prune.h"
#include "tools/distill_options.h"
#include "tools/prune_options.h"

namespace edgeopt {
namespace {

struct Options {
  std::string model;
  std::string output;
  std::string keep;
  std::string importance;
  std::string profile;
  std::vector<std::string> excluded;
  BlockChoice blocks;
  bool without_training = false;
  DistillFlags learning{.work = 12};
  DataOptions data;
};

void declare(CLI::App& app, Options& options) {
  std::vector<std::string> methods;
  for (const std::string_view name : importance_method_names()) methods.emplace_back(name);
  app.add_option("model", options.model, "Float ONNX model")->required()->type_name("MODEL");
  app.add_option("-o,--output", options.output, "Where to write the result")->required()->type_name("OUT");
  app.add_option("--keep", options.keep, "What may be left: macs=0.5, params=0.5 or latency=0.5")
      ->required()
      ->type_name("COST=SHARE");
  app.add_option("--importance", options.importance,
                 "How channels are ranked (default: reconstruction with samples, magnitude without)")
      ->check(CLI::IsMember(methods));
  app.add_option("--profile", options.profile, "Keep channel counts at multiples that this device wants")
      ->type_name("P");
  app.add_option("--exclude", options.excluded, "Leave this node's weights as they are; may be repeated")
      ->type_name("NODE")
      ->allow_extra_args(false);
  app.add_option("--remove-blocks", options.blocks.count,
                 "Take out so many residual blocks first, the least harmful for what they cost: time that "
                 "channels do not save")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--remove-block", options.blocks.names,
                 "Take out the residual block that ends at this Add; may be repeated")
      ->type_name("NODE")
      ->allow_extra_args(false);
  app.add_flag("--no-train", options.without_training,
               "Repair alone: do not learn the original's outputs back");
  declare_distill_options(app, options.learning);
  declare_data_options(app, options.data, "Samples to rank, repair and judge on");
}

PruneOptions prune_options(const Options& options, const RunContext& context) {
  PruneOptions settings{.budget = channel_budget(options.keep),
                        .importance = {.progress = context.progress},
                        .repair = {.progress = context.progress},
                        .excluded = options.excluded,
                        .blocks = options.blocks,
                        .seed = context.seed};
  settings.blocks.excluded = options.excluded;
  if (!options.importance.empty())
    settings.importance.method = *importance_method_named(options.importance);
  else if (options.data.data.empty())
    settings.importance.method = ImportanceMethod::magnitude;
  if (!options.profile.empty())
    settings.budget.channel_multiple = load_profile(options.profile).channel_multiple;
  return settings;
}

Answer run(const Options& options, const RunContext& context) {
  const PruneOptions settings = prune_options(options, context);
  require_writable(options.output);
  const Graph model = load_model(options.model);
  std::optional<SampleSource> samples;
  if (!options.data.data.empty()) samples = open_data(options.data, model, context);
  const PrunedModel pruned = while_doing("pruning", [&] { return prune_model(model, samples, settings); });
  std::optional<Distilled> trained;
  if (samples && !options.without_training) {
    trained = while_doing("training the pruned model", [&] {
      return distill_model(pruned.graph, pruned.fused.graph, *samples,
                           distillation_options(options.learning, context));
    });
  }
  save_model(trained ? trained->graph : pruned.graph, options.output);
  Answer answer = describe_prune(pruned, {options.model, options.output});
  if (trained)
    answer.text += "\nlearning the original's outputs back:\n" + describe_history(trained->history);
  if (!pruned.meets_budget) answer.exit_code = exit_goal_missed;
  return answer;
}

}  // namespace

Command prune_command() {
  return command<Options>({
      .name = "prune",
      .summary = "Take channels, heads and hidden units out of a model, down to a budget.",
      .examples = "  edgeopt prune model.onnx --keep macs=0.5 --data samples.npz -o pruned.onnx\n"
                  "  edgeopt prune model.onnx --keep params=0.3 --exclude /head/Conv -o pruned.onnx\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
