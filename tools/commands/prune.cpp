// Pruning: channels taken out for real, under a budget; weights set to zero in a pattern; or both.
#include "recipes/prune.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "hwprofiles/profile.h"
#include "ir/onnx/onnx.h"
#include "ir/onnx/sparse_storage.h"
#include "recipes/distill.h"
#include "recipes/sparsify.h"
#include "reports/sparsity_report.h"
#include "reports/write.h"
#include "support/error.h"
#include "support/file.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe_prune.h"
#include "tools/describe_sparsity.h"
#include "tools/distill_options.h"
#include "tools/model_options.h"
#include "tools/option_checks.h"
#include "tools/prune_options.h"
#include "tools/sparsity_options.h"

namespace edgeopt {
namespace {

struct Options {
  std::string model;
  std::string output;
  std::string keep;
  SparsityFlags sparsity;
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
  declare_model(app, options.model, "Float ONNX model");
  declare_output(app, options.output);
  app.add_option("--keep", options.keep,
                 "What may be left of the channels: macs=0.5, params=0.5 or latency=0.5")
      ->type_name("COST=SHARE");
  declare_sparsity_options(app, options.sparsity);
  app.add_option("--importance", options.importance,
                 "How channels are ranked (default: reconstruction with samples, magnitude without)")
      ->check(one_of(methods));
  app.add_option("--profile", options.profile,
                 "Keep channel counts at multiples that this device wants; say what it gains from zeros")
      ->type_name("P");
  app.add_option("--exclude", options.excluded, "Leave this node's weights as they are; may be repeated")
      ->type_name("NODE")
      ->allow_extra_args(false);
  declare_block_options(app, options.blocks);
  app.add_flag("--no-train", options.without_training,
               "Repair alone: do not learn the original's outputs back");
  declare_distill_options(app, options.learning);
  declare_data_options(app, options.data, "Samples to rank, repair and judge on");
  const std::vector<std::string> learning = options_of_group(app, learning_group);
  require_with(app, learning, "--data");
  require_with(app, {"--importance"}, "--keep");
  check_together(app, [&app, &options, learning] {
    if (options.without_training) refuse_given(app, learning, "nothing is learned with --no-train");
  });
}

PruneOptions prune_options(const Options& options, const RunContext& context) {
  PruneOptions settings =
      prune_within(channel_budget(options.keep), options.blocks, options.excluded, context);
  if (!options.importance.empty())
    settings.importance.method = *importance_method_named(options.importance);
  else if (options.data.data.empty())
    settings.importance.method = ImportanceMethod::magnitude;
  if (!options.profile.empty())
    settings.budget.channel_multiple = load_profile(options.profile).channel_multiple;
  return settings;
}

std::vector<HardwareProfile> asked_profiles(const Options& options) {
  std::vector<HardwareProfile> profiles;
  if (!options.profile.empty()) return {load_profile(options.profile)};
  for (const std::string& name : profile_names()) profiles.push_back(load_profile(name));
  return profiles;
}

/// What came of the steps that were asked for.
struct Outcome {
  std::optional<PrunedModel> pruned;
  std::optional<SparsityFacts> sparsity;
  std::optional<Distilled> trained;
  Graph teacher;  // the fused model
  Graph graph;
};

void train(Outcome& outcome, const SampleSource& samples, const Options& options, const RunContext& context) {
  outcome.trained = while_doing("training the pruned model", [&] {
    return distill_model(outcome.graph, outcome.teacher, samples,
                         distillation_options(options.learning, context));
  });
  outcome.graph = outcome.trained->graph;
}

Answer describe(const Outcome& outcome, const ModelFiles& files, const Options& options) {
  Answer answer;
  nlohmann::ordered_json json = {{"model", files.original}, {"result", files.result}};
  if (outcome.pruned) {
    answer = describe_prune(*outcome.pruned, files);
    json = nlohmann::ordered_json::parse(answer.json);
  }
  if (outcome.sparsity) {
    answer.text +=
        fmt::format("{}{}: {}, {} -> {}\n\n{}\nwho gains from these zeros:\n", outcome.pruned ? "\n" : "",
                    files.result, sparsity_headline(*outcome.sparsity), human_bytes(files.original_bytes),
                    human_bytes(model_bytes(files.result)), sparsity_text(*outcome.sparsity));
    json["sparsity"] = sparsity_to_json(*outcome.sparsity);
    for (const std::string& note : speed_notes(outcome.sparsity->pattern, asked_profiles(options))) {
      answer.text += fmt::format("  {}\n", note);
      json["sparsity"]["notes"].push_back(note);
    }
  }
  if (outcome.trained) {
    answer.text += "\nlearning the original's outputs back" + describe_learning(*outcome.trained);
    json["learning"] = learning_to_json(*outcome.trained);
  }
  answer.json = json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (outcome.pruned && !outcome.pruned->meets_budget) answer.exit_code = exit_goal_missed;
  return answer;
}

Answer run(const Options& options, const RunContext& context) {
  require_budget(options.blocks, options.keep);
  const bool has_samples = !options.data.data.empty();
  if (options.keep.empty() && options.sparsity.pattern.empty())
    throw UserError(
        "nothing to prune: give --keep macs=0.5 for channels, --sparsity 0.5 for weights, or both");
  std::optional<PruneOptions> channels;
  if (!options.keep.empty()) channels = prune_options(options, context);
  std::optional<SparsityOptions> sparsity;
  if (!options.sparsity.pattern.empty()) {
    sparsity = sparsity_options(options.sparsity, has_samples, context);
    sparsity->weights.excluded = options.excluded;
  }
  require_writable(options.output);
  const Graph model = load_model(options.model);
  std::optional<SampleSource> samples;
  if (has_samples) samples = open_data(options.data, model, context);

  Outcome outcome;
  if (channels) {
    outcome.pruned = while_doing("pruning", [&] { return prune_model(model, samples, *channels); });
    outcome.teacher = outcome.pruned->fused.graph;
    outcome.graph = outcome.pruned->graph;
  } else {
    outcome.graph = outcome.teacher = prepare_for_pruning(model, context.seed).graph;
  }
  if (sparsity) {
    SparsifiedModel sparse = while_doing("setting weights to zero", [&] {
      return sparsify_model(outcome.teacher, outcome.graph, samples, *sparsity);
    });
    outcome.sparsity = std::move(sparse.facts);
    outcome.graph = std::move(sparse.graph);
  }
  if (samples && !options.without_training) train(outcome, *samples, options, context);
  const ModelFiles files = model_files(options.model, options.output);
  save_model(options.sparsity.has_sparse_storage ? with_sparse_storage(outcome.graph) : outcome.graph,
             options.output);
  return describe(outcome, files, options);
}

}  // namespace

Command prune_command() {
  return command<Options>({
      .name = "prune",
      .summary = "Take channels out of a model down to a budget, set weights to zero, or both.",
      .examples = "  edgeopt prune model.onnx --keep macs=0.5 --data samples.npz -o pruned.onnx\n"
                  "  edgeopt prune model.onnx --keep params=0.3 --exclude /head/Conv -o pruned.onnx\n"
                  "  edgeopt prune model.onnx --sparsity 2:4 --data samples.npz -o sparse.onnx\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
