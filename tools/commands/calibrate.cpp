// Ranges of every activation from samples, as a file that can be read, edited, merged and used again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "calibration/ranges/calibrate.h"
#include "calibration/ranges/ranges_file.h"
#include "ir/onnx/onnx.h"
#include "reports/provenance.h"
#include "support/error.h"
#include "support/file.h"
#include "support/hash.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/describe.h"
#include "tools/model_options.h"
#include "tools/option_checks.h"
#include "tools/quantize_options.h"

namespace edgeopt {
namespace {

struct Options {
  std::string model;
  std::string output;
  std::vector<std::string> merged;
  QuantizeFlags quantization;
  DataOptions data;
};

void declare(CLI::App& app, Options& options) {
  declare_model(app, options.model);
  app.add_option("-o,--output", options.output, "Where to write the ranges")
      ->required()
      ->type_name("RANGES.json");
  app.add_option("--ranges", options.merged,
                 "Add what was seen in these files, as if all samples had been read at once")
      ->type_name("RANGES.json")
      ->allow_extra_args(false);
  declare_observer_options(app, options.quantization);
  declare_data_options(app, options.data, "Samples");
  check_together(app, [&] { refuse_unused_percentile(app, options.quantization); });
}

RangesFile observe(const Options& options, const RunContext& context) {
  const Graph graph = load_model(options.model);
  const SampleSource samples = open_data(options.data, graph, context);
  const ObserverOptions observer = observer_options(options.quantization);
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    report_progress(context.progress, "observing ranges", done, total);
  };
  RangesFile file = make_ranges_file(
      observe_values(graph, samples, {.observer = observer, .is_wanted = {}, .progress = progress}),
      observer);
  file.edgeopt_version = EDGEOPT_VERSION;
  file.model_sha256 = sha256_of_path(options.model);
  file.data = {{.description = samples.description, .sha256 = samples.sha256, .sample_count = samples.count}};
  return file;
}

RangesFile read_for_model(const std::string& path, const Options& options) {
  RangesFile file = while_doing(fmt::format("reading '{}'", path), [&] { return read_ranges(path); });
  if (!file.model_sha256.empty() && file.model_sha256 != sha256_of_path(options.model))
    throw UserError(fmt::format("'{}' was calibrated on another model than '{}'; merge ranges of one model",
                                path, options.model));
  return file;
}

std::vector<RangesFile> all_files(const Options& options, const RunContext& context) {
  std::vector<RangesFile> files;
  if (!options.data.data.empty() || options.merged.empty()) files.push_back(observe(options, context));
  for (const std::string& path : options.merged) files.push_back(read_for_model(path, options));
  return files;
}

// With --observer the ranges are chosen by it; else by the observer of the first file.
RangesFile combined(const std::vector<RangesFile>& files, const QuantizeFlags& flags) {
  RangesFile result = files.size() == 1 ? files.front() : merge_ranges(files);
  if (flags.observer == automatic_observer) return result;
  RangesFile chosen = make_ranges_file(std::move(result.observations), observer_options(flags));
  result.observations = std::move(chosen.observations);
  result.observer = chosen.observer;
  result.ranges = std::move(chosen.ranges);
  return result;
}

Answer run(const Options& options, const RunContext& context) {
  if (is_same_file(options.output, options.model))
    throw UserError(
        fmt::format("-o {}: the ranges would overwrite the model; name another file", options.output));
  require_writable(options.output);
  const std::vector<RangesFile> files = all_files(options, context);
  const RangesFile result = combined(files, options.quantization);
  write_ranges(options.output, result);
  const std::int64_t count = result.observations.sample_count;
  const nlohmann::ordered_json json = {{"model", options.model},
                                       {"ranges", options.output},
                                       {"value_count", result.ranges.size()},
                                       {"sample_count", count}};
  return {.text = fmt::format("{}: ranges of {} values over {} samples\n", options.output,
                              result.ranges.size(), count),
          .json = json.dump(2)};
}

}  // namespace

Command calibrate_command() {
  return command<Options>({
      .name = "calibrate",
      .summary = "Learn the range of every activation from samples, into a file to use again.",
      .examples =
          "  edgeopt calibrate model.onnx --data samples.npz -o ranges.json\n"
          "  edgeopt calibrate model.onnx --data more.npz --ranges ranges.json -o all.json  more samples\n"
          "  edgeopt calibrate model.onnx --ranges a.json --ranges b.json -o all.json   merge alone\n"
          "  edgeopt quantize model.onnx --ranges ranges.json -o small.onnx\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
