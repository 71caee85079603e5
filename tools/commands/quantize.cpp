// Quantization alone: Q/DQ from samples or from ranges that were calibrated before.
#include "recipes/quantize.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "calibration/ranges/ranges_file.h"
#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "recipes/comparison.h"
#include "recipes/goals.h"
#include "recipes/size_goal.h"
#include "support/error.h"
#include "support/file.h"
#include "support/hash.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe.h"
#include "tools/distill_options.h"
#include "tools/model_options.h"
#include "tools/option_checks.h"
#include "tools/quantize_options.h"

namespace edgeopt {
namespace {

struct Options {
  std::string model;
  std::string output;
  std::string ranges;
  std::string teacher;
  bool recovers = false;
  WeightBlocks blocks;
  std::string format = "qdq";
  std::string goal;
  DistillFlags learning;
  QuantizeFlags quantization;
  DataOptions data;
};

// Weights alone need no ranges, and no samples either unless they are rounded for them.
constexpr std::string_view blocks_scheme = "w4";

// What would change nothing beside --ranges, beside --scheme w4, or without it.
void refuse_unused(const CLI::App& app, const Options& options) {
  const QuantizeFlags& flags = options.quantization;
  refuse_unused_percentile(app, flags);
  if (flags.scheme == blocks_scheme)
    refuse_given(app,
                 {"--ranges", "--observer", "--range-search", "--layer-scheme", "--weight-storage",
                  "--no-bias-correction"},
                 "--scheme w4 puts weights alone into blocks of 4 bits and has no use for it; leave it out");
  else
    refuse_given(app, {"--block-size", "--format"}, "it is about weights in blocks; give --scheme w4 too");
  if (options.ranges.empty()) return;
  refuse_given(
      app, {"--observer"},
      "the ranges were chosen already; `edgeopt calibrate MODEL --ranges R --observer O` chooses anew");
  if (flags.rounding == "second-order")
    throw UserError("--rounding second-order needs samples to round for; give --data instead of --ranges");
  if (flags.equalization == "samples")
    throw UserError("--equalize samples needs samples; give --data instead of --ranges");
}

void refuse_contradictions(const Options& options) {
  if (!options.teacher.empty() && !options.recovers)
    throw UserError("--teacher is whom --recover learns from; give --recover too");
  if (options.recovers && !options.ranges.empty())
    throw UserError("--recover needs samples to learn on; give --data instead of --ranges");
  if (!options.ranges.empty() && !options.data.data.empty())
    throw UserError("--ranges and --data contradict each other; give one of them");
  if (!options.ranges.empty() && options.quantization.range_search == "on")
    throw UserError("--range-search needs samples to measure losses on; give --data instead of --ranges");
}

void declare(CLI::App& app, Options& options) {
  declare_model(app, options.model, "Float ONNX model");
  declare_output(app, options.output);
  app.add_option("--ranges", options.ranges, "Ranges from `edgeopt calibrate` instead of samples")
      ->type_name("RANGES.json");
  declare_quantize_options(app, options.quantization);
  app.add_option(
         "--goal", options.goal,
         "size=6x or size=100kB: weights of 4 bits where that does the least damage, if 8 are too large")
      ->type_name("SIZE");
  app.add_flag("--recover", options.recovers,
               "Learn the teacher's outputs back; takes minutes, needs no labels");
  app.add_option("--teacher", options.teacher, "Model to learn from with --recover instead of MODEL itself")
      ->type_name("T");
  declare_distill_options(app, options.learning);
  app.add_flag("--reconstruct", options.learning.reconstructs,
               "With --recover: learn rounding block by block before learning end to end")
      ->group(learning_group);
  app.add_option("--block-size", options.blocks.block_size,
                 "With --scheme w4 (4-bit weights alone; samples are optional): weights that share a scale")
      ->check(one_of({"16", "32", "64", "128", "256"}))
      ->capture_default_str();
  app.add_option(
         "--format", options.format,
         "With --scheme w4: qdq (DequantizeLinear with block_size) or matmulnbits (ONNX Runtime's own)")
      ->check(one_of({"qdq", "matmulnbits"}))
      ->capture_default_str();
  declare_data_options(app, options.data, "Samples to calibrate on");
  require_with(app, options_of_group(app, learning_group), "--recover");
  check_together(app, [&] { refuse_unused(app, options); });
}

Goal size_goal(const Options& options) {
  Goal goal = parse_goal(options.goal);
  if (!is_about_size(goal))
    throw UserError(
        fmt::format("--goal {}: `quantize` measures only sizes; use `optimize` for this goal", options.goal));
  if (!options.ranges.empty())
    throw UserError("--goal needs samples to measure damage on; give --data instead of --ranges");
  return goal;
}

QuantizedModel quantize_blocks(const Options& options, const Graph& model, const RunContext& context) {
  QuantizeFlags flags = options.quantization;
  flags.scheme = "int8";
  if (!options.goal.empty())
    throw UserError("--goal chooses widths layer by layer, --scheme w4 has one; leave one of the two out");
  if (options.recovers)
    throw UserError("--recover does not learn weights in blocks; leave one of the two out");
  if (options.data.data.empty() && flags.rounding == "second-order")
    throw UserError("--rounding second-order needs samples to round for; give --data");
  if (options.data.data.empty() && flags.equalization == "samples")
    throw UserError("--equalize samples needs samples to equalize for; give --data");
  if (flags.equalization == "weights")
    throw UserError(
        "--equalize weights evens out whole weights, but with --scheme w4 every block has its own scale; "
        "give "
        "--equalize samples");
  std::optional<SampleSource> samples;
  if (!options.data.data.empty()) samples = open_data(options.data, model, context);
  return quantize_weight_blocks(model, options.blocks, options.format == "matmulnbits",
                                samples ? &*samples : nullptr, quantize_options(flags, context));
}

SizedModel quantize(const Options& options, const Graph& model, const RunContext& context) {
  if (options.quantization.scheme == blocks_scheme)
    return {.model = quantize_blocks(options, model, context)};
  QuantizeOptions settings = quantize_options(options.quantization, context);
  if (options.recovers) settings.recovery = recovery_options(options.learning, context);
  const std::optional<Graph> teacher = options.teacher.empty()
                                           ? std::nullopt
                                           : std::optional(with_inferred_types(load_model(options.teacher)));
  if (teacher) settings.teacher = &*teacher;
  if (!options.goal.empty()) {
    const auto original_bytes = static_cast<double>(model_bytes(options.model));
    return quantize_to_size(model, open_data(options.data, model, context), settings,
                            largest_bytes({size_goal(options)}, original_bytes).value());
  }
  if (options.ranges.empty())
    return {.model = quantize_model(model, open_data(options.data, model, context), settings)};
  const RangesFile file =
      while_doing(fmt::format("reading '{}'", options.ranges), [&] { return read_ranges(options.ranges); });
  if (!file.model_sha256.empty() && file.model_sha256 != sha256_of_path(options.model))
    context.warn(
        fmt::format("'{}' was calibrated on another model than '{}'", options.ranges, options.model));
  return {.model = quantize_model_with_ranges(model, file, settings)};
}

Achievement achieved_size(const ModelFiles& files) {
  return {.original_bytes = static_cast<double>(files.original_bytes),
          .result_bytes = static_cast<double>(model_bytes(files.result))};
}

Answer run(const Options& options, const RunContext& context) {
  refuse_contradictions(options);
  require_writable(options.output);
  const Graph model = load_model(options.model);
  std::optional<Goal> goal;
  if (!options.goal.empty()) goal = size_goal(options);
  const SizedModel quantized = while_doing("quantizing", [&] { return quantize(options, model, context); });
  const ModelFiles files = model_files(options.model, options.output);
  save_model(quantized.model.graph, options.output);
  if (!goal) return describe_quantize(quantized.model, files);
  return describe_quantize_to_size(quantized, judge_goal(*goal, achieved_size(files)), files);
}

}  // namespace

Command quantize_command() {
  return command<Options>({
      .name = "quantize",
      .summary = "Turn a float model into an int8 model (Q/DQ), calibrated on samples.",
      .examples =
          "  edgeopt quantize model.onnx --data samples.npz[0:100] -o int8.onnx\n"
          "  edgeopt quantize model.onnx --data images/ --resize 256 --crop 224 --scale 0.00392157 \\\n"
          "      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -o int8.onnx\n"
          "  edgeopt quantize model.onnx --scheme w4 --block-size 32 -o w4.onnx\n"
          "  edgeopt quantize model.onnx --data s.npz --goal size=6x -o sixth.onnx\n"
          "  edgeopt quantize model.onnx --ranges ranges.json -o int8.onnx\n"
          "  edgeopt quantize model.onnx --data s.npz --keep-float /head/Gemm -o int8.onnx\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
