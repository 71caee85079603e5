#include "recipes/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "calibration/bias_correction.h"
#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/pipelines.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// What the plan would quantize if every range were known: nothing else needs to be looked at.
std::set<std::string> values_to_observe(const Graph& graph, const QuantizeOptions& options) {
  Edit edit(graph);
  for (const ValueId id : graph.values())
    if (!graph.value(id).constant) edit.set_range(id, Range{.min = -1, .max = 1});
  const Graph ranged = edit.apply();
  const QuantizationPlan plan = plan_quantization(ranged, options.profile.quantization,
                                                  {options.keep_float.begin(), options.keep_float.end()});
  std::set<std::string> names;
  for (const auto& [value, parameters] : plan.activations) names.insert(ranged.name_of(value));
  // A layer needs the range of its output even where the output stays in float.
  for (const Layer& layer : plan.layers) {
    names.insert(ranged.name_of(layer.output));
    for (const ValueId input : layer.data_inputs) names.insert(ranged.name_of(input));
  }
  return names;
}

class Story {
 public:
  explicit Story(const QuantizeOptions& options) : options_(options) {}

  Graph run(std::string_view pipeline, const Graph& graph) {
    PipelineOptions pipeline_options{
        .context = {.profile = options_.profile, .keep_float = options_.keep_float}, .check = options_.check};
    PipelineOutcome outcome = run_pipeline(named_pipeline(pipeline), graph, pipeline_options);
    steps_.insert(steps_.end(), outcome.steps.begin(), outcome.steps.end());
    return std::move(outcome.graph);
  }

  Graph prepare(const Graph& model) {
    const Graph prepared = run("prepare_quantization", model);
    return options_.equalizes ? run("equalize", prepared) : prepared;
  }

  QuantizedModel insert(const Graph& ranged) {
    const QuantizationPlan plan = plan_quantization(ranged, options_.profile.quantization,
                                                    {options_.keep_float.begin(), options_.keep_float.end()});
    if (plan.layers.empty())
      throw NothingToQuantize("nothing can be quantized: " +
                              (plan.kept_float.empty() ? "no operator has an integer form on this profile"
                                                       : first_reasons(plan.kept_float)));
    QuantizedModel result{.graph = run("quantize", ranged),
                          .prepared = ranged,
                          .kept_float = plan.kept_float,
                          .integer_layer_count = static_cast<int>(plan.layers.size())};
    return result;
  }

  std::vector<StepOutcome> steps() { return std::move(steps_); }

 private:
  static std::string first_reasons(const std::vector<KeptFloat>& kept) {
    constexpr std::size_t reason_count = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(kept.size(), reason_count); ++i)
      text += fmt::format("{}{} '{}': {}", text.empty() ? "" : "; ", kept[i].op_type, kept[i].node,
                          kept[i].reason);
    return text;
  }

  const QuantizeOptions& options_;
  std::vector<StepOutcome> steps_;
};

}  // namespace

QuantizedModel quantize_model(const Graph& model, const SampleSource& samples,
                              const QuantizeOptions& options) {
  const auto tell = [&](std::string_view what) {
    return [&options, what](std::int64_t done, std::int64_t count) {
      if (options.progress) options.progress(what, done, count);
    };
  };
  Story story(options);
  const Graph prepared = story.prepare(model);
  const std::set<std::string> needed = values_to_observe(prepared, options);
  const CalibrationOptions calibration{
      .observer = options.observer,
      .is_wanted = [&](const Graph&, const Value& value) { return needed.contains(value.name); },
      .progress = tell("observing ranges")};
  const Graph ranged = with_ranges(prepared, samples, calibration);
  QuantizedModel result = story.insert(ranged);
  if (options.corrects_biases)
    result.graph =
        with_corrected_biases(prepared, result.graph, samples, {.progress = tell("correcting biases")});
  result.steps = story.steps();
  return result;
}

QuantizedModel quantize_with_ranges(const Graph& ranged, const QuantizeOptions& options) {
  Story story(options);
  QuantizedModel result = story.insert(with_inferred_types(ranged));
  result.steps = story.steps();
  return result;
}

}  // namespace edgeopt
