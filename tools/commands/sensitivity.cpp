// Which layer costs how much accuracy when it is quantized, and what can be seen there.
#include "recipes/sensitivity.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "ir/onnx/onnx.h"
#include "recipes/optimize.h"
#include "reports/sensitivity_report.h"
#include "support/hash.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/model_options.h"
#include "tools/option_checks.h"
#include "tools/quantize_options.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::string test_data;
  std::string method = "measured";
  std::int64_t sample_count = SensitivityOptions{}.largest_sample_count;
  int direction_count = SensitivityOptions{}.direction_count;
  std::int64_t layer_count = 0;
  QuantizeFlags quantization;
  DataOptions data;
};

void declare(CLI::App& app, Options& options) {
  declare_model(app, options.model, "Float ONNX model");
  app.add_option("--test-data", options.test_data,
                 "Samples to measure damage on; without them half of --data is held back for it")
      ->type_name("D");
  app.add_option("--method", options.method,
                 "measured: runs the model with one layer at a time quantized; gradient: estimates the same "
                 "from a few "
                 "backward runs, worth it for models with hundreds of layers")
      ->check(one_of({"measured", "gradient"}))
      ->capture_default_str();
  app.add_option("--samples", options.sample_count, "Measure on this many samples at most")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
      ->capture_default_str();
  app.add_option(
         "--directions", options.direction_count,
         "Backward runs per sample with --method gradient; the error of the estimate falls with their root")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--layers", options.layer_count, "Show this many layers; 0: all of them")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000}))
      ->capture_default_str();
  declare_quantize_options(app, options.quantization);
  declare_data_options(app, options.data, "Samples to calibrate on");
  check_together(app, [&] {
    refuse_unused_percentile(app, options.quantization);
    if (options.method != "gradient")
      refuse_given(app, {"--directions"}, "they are those of --method gradient");
  });
}

std::string to_text(const Options& options, const Sensitivity& sensitivity, const std::string& caution) {
  const std::size_t all = sensitivity.layers.size();
  const std::size_t shown =
      options.layer_count == 0 ? all : std::min(all, static_cast<std::size_t>(options.layer_count));
  std::string text = fmt::format("{}: {} layers, most harmful first:\n{}", options.model, all,
                                 to_text(sensitivity_table(sensitivity, shown)));
  text += fmt::format("\ndamage: {}; {} on {} samples ({})\n", sensitivity.loss, options.method,
                      sensitivity.sample_count, sensitivity.samples);
  return caution.empty() ? text : text + "caution: " + caution + "\n";
}

Answer run(const Options& options, const RunContext& context) {
  const Graph model = load_model(options.model);
  const SampleSource samples = open_data(options.data, model, context);
  const SampleSplit split =
      options.test_data.empty()
          ? split_samples(samples)
          : separate_samples(samples, open_data(options.test_data, options.data, model, context));
  const QuantizeOptions quantize = quantize_options(options.quantization, context);
  const QuantizedModel quantized = quantize_model(model, split.calibration, quantize);
  const Sensitivity sensitivity = layer_sensitivity(
      quantized.prepared, split.judging, quantize,
      {.method = options.method == "gradient" ? SensitivityMethod::gradient : SensitivityMethod::measured,
       .largest_sample_count = options.sample_count,
       .direction_count = options.direction_count,
       .seed = context.seed,
       .progress = context.progress});

  Json json = {{"model", options.model},
               {"model_sha256", sha256_of_path(options.model)},
               {"calibrated_on", split.calibration.description},
               {"observer", name_of(quantized.observer)},
               {"caution", split.caution}};
  json.update(sensitivity_to_json(sensitivity));
  return {.text = to_text(options, sensitivity, split.caution),
          .json = json.dump(2, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

Command sensitivity_command() {
  return command<Options>({
      .name = "sensitivity",
      .summary = "Rank layers by the accuracy that quantizing each of them costs, with the evidence.",
      .examples =
          "  edgeopt sensitivity model.onnx --data samples.npz\n"
          "  edgeopt sensitivity model.onnx --data train.npz[0:100] --test-data test.npz --layers 10\n"
          "  edgeopt sensitivity model.onnx --data samples.npz --method gradient --json damage.json\n",
      .declare = declare,
      .run = run,
  });
}

}  // namespace edgeopt
