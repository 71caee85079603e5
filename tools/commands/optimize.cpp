// The main job: a float model in, a smaller and faster one out, with what it cost.
#include "recipes/optimize.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "ir/onnx/onnx.h"
#include "reports/optimize_report.h"
#include "reports/provenance.h"
#include "reports/write.h"
#include "support/error.h"
#include "support/file.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe.h"
#include "tools/distill_options.h"
#include "tools/model_options.h"
#include "tools/option_checks.h"
#include "tools/prune_options.h"
#include "tools/quantize_options.h"
#include "tools/sparsity_options.h"

namespace edgeopt {
namespace {

struct Options {
  std::string model;
  std::string output;
  std::string test_data;
  std::optional<double> max_drop;
  std::vector<std::string> goals;
  std::string report;
  int run_count = 100;
  std::string keep;
  BlockChoice blocks;
  SparsityFlags sparsity;
  std::vector<std::string> excluded;
  bool recovers = false;
  DistillFlags learning;
  QuantizeFlags quantization;
  DataOptions data;
};

// What would change nothing beside the others.
void refuse_unused(CLI::App& app, const Options& options) {
  require_with(app, options_of_group(app, learning_group), "--recover");
  require_with(app, {"--recover", "--test-data"}, "--data");
  require_with(app, {"--sparse-storage"}, "--sparsity");
  check_together(app, [&] {
    refuse_unused_percentile(app, options.quantization);
    if (options.keep.empty() && options.sparsity.pattern.empty())
      refuse_given(app, {"--exclude"}, "it keeps a node from --keep and --sparsity; give one of these too");
  });
}

void declare(CLI::App& app, Options& options) {
  declare_model(app, options.model, "Float ONNX model");
  declare_output(app, options.output);
  app.add_option("--test-data", options.test_data,
                 "Samples to judge on; without them half of --data is held back for it")
      ->type_name("D");
  app.add_option("--max-drop", options.max_drop, "Most points of top-1 accuracy that may be lost")
      ->check(number_between(0, 100))
      ->type_name("POINTS");
  app.add_option(
         "--goal", options.goals,
         "latency=2x, latency=5ms, size=4x, size=500kB, agreement=98, sqnr=20; may be given several times")
      ->type_name("G")
      ->allow_extra_args(false);
  app.add_option("--report", options.report, "Folder for report.html, summary.md and report.json")
      ->type_name("DIR");
  app.add_option("--runs", options.run_count, "Runs of each model to measure latency")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option(
         "--keep", options.keep,
         "Prune before quantizing: macs=0.5, params=0.5 or latency=0.5 is what stays; auto: as much as "
         "goals of size and latency leave")
      ->type_name("COST=SHARE|auto");
  declare_block_options(app, options.blocks);
  declare_sparsity_options(app, options.sparsity);
  app.add_option("--exclude", options.excluded,
                 "Neither prune this node's weights nor set them to zero; may be repeated")
      ->type_name("NODE")
      ->allow_extra_args(false);
  app.add_flag(
      "--recover", options.recovers,
      "Learn the original's outputs back, after pruning or zeros and after quantizing; takes minutes");
  declare_distill_options(app, options.learning);
  declare_quantize_options(app, options.quantization);
  declare_data_options(app, options.data, "Samples to calibrate on");
  refuse_unused(app, options);
}

std::vector<Goal> goals_of(const Options& options) {
  std::vector<Goal> goals;
  if (options.max_drop)
    goals.push_back({.kind = GoalKind::drop,
                     .bound = *options.max_drop,
                     .text = fmt::format("--max-drop {}", *options.max_drop)});
  for (const std::string& text : options.goals) goals.push_back(parse_goal(text));
  return goals;
}

std::optional<SampleSplit> samples_of(const Options& options, const Graph& graph, const RunContext& context) {
  if (options.data.data.empty()) {
    return std::nullopt;
  }
  const SampleSource samples = open_data(options.data, graph, context);
  if (options.test_data.empty()) return split_samples(samples);
  return separate_samples(samples, open_data(options.test_data, options.data, graph, context));
}

// Latency is where channel counts that the device likes matter most; else only a named device has a say.
ChannelBudget budget_of(const Options& options, const OptimizeRequest& request) {
  const bool wants_speed = std::ranges::any_of(request.goals, is_about_latency);
  ChannelBudget budget;
  if (options.keep != share_of_goals) {
    budget = channel_budget(options.keep);
  } else if (wants_speed) {
    budget.kind = CostKind::latency;
  } else if (std::ranges::any_of(request.goals, is_about_size)) {
    budget.kind = CostKind::parameters;
  } else {
    throw UserError(
        "--keep auto prunes until goals of size and latency hold; give one, such as --goal size=8x");
  }
  if (options.quantization.names_profile || budget.kind == CostKind::latency)
    budget.channel_multiple = request.quantize.profile.channel_multiple;
  return budget;
}

OptimizeRequest request_of(const Options& options, const Graph& original, const RunContext& context) {
  OptimizeRequest request{
      .samples = samples_of(options, original, context),
      .quantize = quantize_options(options.quantization, context),
      .goals = goals_of(options),
      .latency = {.thread_count = context.timed_thread_count,
                  .run_count = options.run_count,
                  .progress = context.progress},
      .seed = context.seed,
      .original_bytes = static_cast<double>(model_bytes(options.model)),
      .progress = context.progress,
  };
  require_budget(options.blocks, options.keep);
  if (!options.keep.empty())
    request.prune = prune_within(budget_of(options, request), options.blocks, options.excluded, context);
  request.prunes_to_goals = options.keep == share_of_goals;
  if (!options.sparsity.pattern.empty()) {
    request.sparsity = sparsity_options(options.sparsity, request.samples.has_value(), context);
    request.sparsity->weights.excluded = options.excluded;
    request.has_sparse_storage = options.sparsity.has_sparse_storage;
  }
  if (options.recovers) {
    request.training = distillation_options(options.learning, context);
    DistillFlags recovery = options.learning;
    // Two learnings of one run: each goes on from its own.
    if ((request.prune || request.sparsity) && !recovery.checkpoint.empty())
      recovery.checkpoint += ".quantized";
    request.quantize.recovery = recovery_options(recovery, context);
  }
  return request;
}

Answer run(const Options& options, const RunContext& context) {
  require_writable(options.output);
  if (!options.report.empty()) require_report_folder(options.report);
  const Graph original = load_model(options.model);
  const OptimizeRequest request = request_of(options, original, context);
  const Optimized optimized = optimize_model(original, request);

  const NamedFile model = named_file("model", options.model);
  save_model(optimized.graph, options.output);
  const Report report = optimize_report(original, optimized, request,
                                        {.arguments = context.arguments,
                                         .model = model,
                                         .result = options.output,
                                         .profile = options.quantization.profile,
                                         .seed = context.seed});
  if (!options.report.empty()) write_report(report, options.report);
  return {.text = report_to_text(report),
          .json = report_to_json(report),
          .exit_code = optimized.meets_goals() ? exit_done : exit_goal_missed};
}

}  // namespace

Command optimize_command() {
  return command<Options>({
      .name = "optimize",
      .summary = "Make a model smaller and faster, and measure what it cost: the main job.",
      .examples =
          "  edgeopt optimize model.onnx --data samples.npz -o small.onnx --report report/\n"
          "  edgeopt optimize model.onnx --data train.npz[0:500] --test-data test.npz -o small.onnx \\\n"
          "      --max-drop 1 --goal latency=2x --goal size=3.5x          exit code 1 if one is missed\n"
          "  edgeopt optimize model.onnx --data images/ --resize 256 --crop 224 --scale 0.00392157 \\\n"
          "      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -o small.onnx\n"
          "  edgeopt optimize model.onnx --data s.npz --keep macs=0.5 --recover --work 20 -o half.onnx\n"
          "  edgeopt optimize model.onnx --data s.npz --goal size=10x --keep auto --recover -o tenth.onnx\n"
          "  edgeopt optimize model.onnx --data s.npz --sparsity 2:4 -o sparse.onnx\n"
          "  edgeopt optimize model.onnx -o fused.onnx                    without samples: fused, not "
          "quantized\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
