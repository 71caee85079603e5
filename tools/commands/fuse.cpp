// Simplify and fuse only: the result equals the original within its declared fidelity, checked.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "ir/onnx/onnx.h"
#include "recipes/fuse.h"
#include "support/error.h"
#include "support/file.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe.h"
#include "tools/model_options.h"
#include "tools/option_checks.h"

namespace edgeopt {
namespace {

// Two inputs: one could meet a special case (all ReLUs open), many would cost time and show nothing more.
constexpr std::int64_t compared_sample_count = 2;

struct Options {
  std::string model;
  std::string output;
  std::string pipeline = "fuse";
  std::string pass;
  double tolerance = fused_tolerance;
  DataOptions data;
};

void declare(CLI::App& app, Options& options) {
  declare_model(app, options.model);
  declare_output(app, options.output);
  app.add_option("--pipeline", options.pipeline, "Passes to run, see `edgeopt passes`")
      ->capture_default_str();
  app.add_option("--pass", options.pass, "Run this pass alone")
      ->type_name("NAME")
      ->excludes(app.get_option("--pipeline"));
  app.add_option("--tolerance", options.tolerance,
                 "Largest change of an output, relative to its scale; a pass that exceeds it is dropped")
      ->check(number_not_below_zero())
      ->capture_default_str();
  declare_data_options(app, options.data, "Samples for the check instead of random inputs");
}

ComparisonSet comparison_of(const Options& options, const Graph& graph, const RunContext& context) {
  if (options.data.data.empty()) return comparison_on_random(graph, compared_sample_count, context.seed);
  return comparison_on_samples(graph, open_data(options.data, graph, context), compared_sample_count);
}

Answer run(const Options& options, const RunContext& context) {
  const Pipeline pipeline =
      options.pass.empty() ? named_pipeline(options.pipeline) : pipeline_of(options.pass);
  require_writable(options.output);
  const Graph original = load_model(options.model);
  const ComparisonSet comparison = comparison_of(options, original, context);

  const FuseOutcome outcome = fuse_model(original, pipeline, comparison, options.tolerance);
  if (!outcome.unchecked_because.empty())
    context.warn(
        fmt::format("the result could not be checked against the original: {}", outcome.unchecked_because));

  const ModelFiles files = model_files(options.model, options.output);
  save_model(outcome.graph, options.output);
  return describe_fuse(original, outcome, files);
}

}  // namespace

Command fuse_command() {
  return command<Options>({
      .name = "fuse",
      .summary = "Simplify and fuse a model; the result stays equal to the original, which is checked.",
      .examples = "  edgeopt fuse model.onnx -o fused.onnx\n"
                  "  edgeopt fuse model.onnx -o fused.onnx --data samples.npz   check on real samples\n"
                  "  edgeopt fuse model.onnx -o out.onnx --pass fold_batch_norm  one pass alone\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
