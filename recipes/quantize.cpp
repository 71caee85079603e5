#include "recipes/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "calibration/bias_correction.h"
#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/pipelines.h"
#include "recipes/evaluation.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::set<std::string> float_nodes(const QuantizeOptions& options) {
  std::set<std::string> names = options.widths.float_layers();
  names.insert(options.keep_float.begin(), options.keep_float.end());
  return names;
}

// What the plan would quantize if every range were known: nothing else needs to be looked at.
std::set<std::string> values_to_observe(const Graph& graph, const QuantizeOptions& options) {
  Edit edit(graph);
  for (const ValueId id : graph.values())
    if (!graph.value(id).constant) edit.set_range(id, Range{.min = -1, .max = 1});
  const Graph ranged = edit.apply();
  const QuantizationPlan plan = plan_quantization(ranged, options.profile.quantization, float_nodes(options));
  std::set<std::string> names;
  for (const auto& [value, parameters] : plan.activations) names.insert(ranged.name_of(value));
  // A layer needs the range of its output even where the output stays in float.
  for (const Layer& layer : plan.layers) {
    names.insert(ranged.name_of(layer.output));
    for (const ValueId input : layer.data_inputs) names.insert(ranged.name_of(input));
  }
  return names;
}

// Samples on which observers are compared; SQNR sums over all their output elements, so few are enough.
constexpr std::int64_t trial_sample_count = 64;
// Stands for an output without any error, so that a mean over outputs stays finite.
constexpr double perfect_sqnr_db = 200;

double closeness(const Graph& teacher, const Graph& student, const SampleSource& samples) {
  const SampleSource few = slice_samples(samples, 0, std::min(samples.count, trial_sample_count));
  const Evaluation evaluation = evaluate_model(student, few, {.reference = &teacher});
  double sum = 0;
  for (const OutputCloseness& output : evaluation.outputs)
    sum += std::clamp(output.sqnr_db.value, -perfect_sqnr_db, perfect_sqnr_db);
  return evaluation.outputs.empty() ? 0 : sum / static_cast<double>(evaluation.outputs.size());
}

QuantizedModel recovered(QuantizedModel model, const SampleSource& samples, const QuantizeOptions& options) {
  if (!options.recovery) return model;
  DistillationOptions distillation = options.recovery->distillation;
  if (options.recovery->reconstruction)
    model.graph =
        with_reconstructed_blocks(model.graph, model.prepared, samples, *options.recovery->reconstruction);
  else
    distillation.trainable.float_twin = &model.prepared;
  const Graph& teacher = options.teacher ? *options.teacher : model.prepared;
  model.recovered = distill(model.graph, teacher, samples, distillation);
  model.graph = model.recovered->graph;
  return model;
}

class Story {
 public:
  explicit Story(const QuantizeOptions& options) : options_(options) {}

  Graph run(std::string_view pipeline, const Graph& graph) {
    const std::set<std::string> keep_float = float_nodes(options_);
    PipelineOptions pipeline_options{.context = {.profile = options_.profile,
                                                 .keep_float = {keep_float.begin(), keep_float.end()},
                                                 .wanted_opset = wanted_opset()},
                                     .check = options_.check};
    PipelineOutcome outcome = run_pipeline(named_pipeline(pipeline), graph, pipeline_options);
    steps_.insert(steps_.end(), outcome.steps.begin(), outcome.steps.end());
    return std::move(outcome.graph);
  }

  Graph prepare(const Graph& model) {
    Graph prepared = run("prepare_quantization", model);
    if (options_.equalizes) prepared = run("equalize", prepared);
    return widened(prepared);
  }

  // With the widths of options on the values; what was decided before stays.
  Graph widened(const Graph& prepared) const {
    if (options_.widths.are_all_int8()) return prepared;
    return with_widths(prepared, options_.profile.quantization, options_.widths);
  }

  QuantizedModel insert(const Graph& ranged) {
    const QuantizationPlan plan =
        plan_quantization(ranged, options_.profile.quantization, float_nodes(options_));
    if (plan.layers.empty())
      throw NothingToQuantize("nothing can be quantized: " +
                              (plan.kept_float.empty() ? "no operator has an integer form on this profile"
                                                       : first_reasons(plan.kept_float)));
    const std::size_t prepared_step_count = steps_.size();
    QuantizedModel result{.graph = run("quantize", ranged),
                          .prepared = ranged,
                          .steps = steps_,
                          .kept_float = plan.kept_float,
                          .integer_layer_count = static_cast<int>(plan.layers.size())};
    steps_.resize(prepared_step_count);
    return result;
  }

  auto tell(std::string_view what) const {
    return [this, what](std::int64_t done, std::int64_t count) {
      if (options_.progress) options_.progress(what, done, count);
    };
  }

 private:
  int wanted_opset() const {
    constexpr int first_with_axis = 13;
    constexpr int first_with_all_widths = 21;
    return options_.widths.need_later_opset() ? first_with_all_widths : first_with_axis;
  }

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
  Story story(options);
  const Graph prepared = story.prepare(model);
  const std::set<std::string> needed = values_to_observe(prepared, options);
  const CalibrationOptions calibration{
      .is_wanted = [&](const Graph&, const Value& value) { return needed.contains(value.name); },
      .progress = story.tell("observing ranges")};
  const Observations observations = observe_values(prepared, samples, calibration);

  std::optional<QuantizedModel> best;
  std::vector<ObserverTrial> trials;
  for (const ObserverOptions& observer : options.observers) {
    QuantizedModel candidate = story.insert(with_chosen_ranges(prepared, observations, observer));
    candidate.observer = observer.method;
    if (options.corrects_biases)
      candidate.graph = with_corrected_biases(prepared, candidate.graph, samples,
                                              {.progress = story.tell("correcting biases")});
    if (options.observers.size() == 1) return recovered(std::move(candidate), samples, options);
    trials.push_back({observer.method, closeness(prepared, candidate.graph, samples)});
    const bool is_best = std::ranges::max_element(trials, {}, &ObserverTrial::sqnr_db) == trials.end() - 1;
    if (!best || is_best) best = std::move(candidate);
  }
  if (!best) throw InternalError("no observer was given");
  best->trials = std::move(trials);
  return recovered(std::move(*best), samples, options);
}

QuantizedModel quantize_with_ranges(const Graph& ranged, const QuantizeOptions& options) {
  Story story(options);
  return story.insert(story.widened(with_inferred_types(ranged)));
}

}  // namespace edgeopt
