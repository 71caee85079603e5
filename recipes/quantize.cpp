#include "recipes/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "calibration/bias_correction.h"
#include "calibration/class_scores.h"
#include "calibration/equalization/channel_equalization.h"
#include "calibration/rounding/block_rounding.h"
#include "calibration/rounding/second_order_rounding.h"
#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/factor_groups.h"
#include "passes/pipelines.h"
#include "recipes/distill.h"
#include "recipes/evaluation.h"
#include "recipes/float_nodes.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::array<std::string_view, 3> equalization_names = {"none", "weights", "samples"};

std::set<std::string> float_nodes(const QuantizeOptions& options) {
  std::set<std::string> names = options.widths.float_layers();
  names.insert(options.keep_float.begin(), options.keep_float.end());
  return names;
}

Graph with_all_ranges(const Graph& graph) {
  Edit edit(graph);
  for (const ValueId id : graph.values())
    if (!graph.value(id).constant) edit.set_range(id, Range{.min = -1, .max = 1});
  return edit.apply();
}

// What the plan would quantize if every range were known: nothing else needs to be looked at.
std::set<std::string> values_to_observe(const Graph& graph, const QuantizeOptions& options) {
  const Graph ranged = with_all_ranges(graph);
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

// The observer's ranges; but scores of classes keep all that was seen: the highest decide, and what is cut
// off there is cut off the answer (mobilenet_v1_025, mse: divergence 0.043 cut, 0.015 whole).
Graph with_ranges_of(const Graph& prepared, const Observations& observations,
                     const ObserverOptions& observer) {
  Graph ranged = with_chosen_ranges(prepared, observations, observer);
  const std::optional<std::size_t> class_output = class_output_of(prepared);
  if (!class_output || observer.method == ObserverMethod::minmax) return ranged;
  const Graph whole = with_chosen_ranges(prepared, observations, {.method = ObserverMethod::minmax});
  Edit edit(ranged);
  for (const ValueId value : values_of_scores(prepared, prepared.outputs()[*class_output]))
    edit.set_range(value, whole.value(value).range);
  return edit.apply();
}

// Samples on which observers are compared: a mean over all their outputs, so few are enough.
constexpr std::int64_t trial_sample_count = 64;
// Stands for an output without any error, so that a mean over outputs stays finite.
constexpr double perfect_sqnr_db = 200;

ObserverTrial trial_of(ObserverMethod method, const Graph& teacher, const Graph& student,
                       const SampleSource& samples) {
  const SampleSource few = slice_samples(samples, 0, std::min(samples.count, trial_sample_count));
  const Evaluation evaluation = evaluate_model(student, few, {.reference = &teacher});
  ObserverTrial trial{.method = method};
  // The divergence of so few samples is that of the two or three that are undecided.
  if (evaluation.score_sqnr_db) {
    trial.sqnr_db = std::clamp(*evaluation.score_sqnr_db, -perfect_sqnr_db, perfect_sqnr_db);
    return trial;
  }
  double sum = 0;
  for (const OutputCloseness& output : evaluation.outputs)
    sum += std::clamp(output.sqnr_db.value, -perfect_sqnr_db, perfect_sqnr_db);
  if (!evaluation.outputs.empty()) trial.sqnr_db = sum / static_cast<double>(evaluation.outputs.size());
  return trial;
}

QuantizedModel recovered(QuantizedModel model, const SampleSource& samples, const QuantizeOptions& options) {
  if (!options.recovery) return model;
  DistillationOptions distillation = options.recovery->distillation;
  distillation.trainable.sparse_twin = &model.prepared;
  if (options.recovery->reconstruction)
    model.graph =
        with_reconstructed_blocks(model.graph, model.prepared, samples, *options.recovery->reconstruction);
  else if (options.widths.are_all_int8() && options.rounding != WeightRounding::second_order)
    // Weights that were rounded by their second order, as they are below 8 bits, the float ones would undo.
    distillation.trainable.float_twin = &model.prepared;
  const Graph& teacher = options.teacher ? *options.teacher : model.prepared;
  model.recovered = distill_model(model.graph, teacher, samples, distillation);
  model.graph = model.recovered->graph;
  return model;
}

class Story {
 public:
  explicit Story(const QuantizeOptions& options) : options_(options) {}

  Graph run(std::string_view pipeline, const Graph& graph) {
    const std::set<std::string> keep_float = float_nodes(options_);
    PipelineOptions pipeline_options{
        .context = {.profile = options_.profile, .keep_float = {keep_float.begin(), keep_float.end()}},
        .check = options_.check};
    PipelineOutcome outcome = run_pipeline(named_pipeline(pipeline), graph, pipeline_options);
    steps_.insert(steps_.end(), outcome.steps.begin(), outcome.steps.end());
    return std::move(outcome.graph);
  }

  Graph prepare(const Graph& model) {
    const Graph raised = options_.widths.need_later_opset() ? run("widen", model) : model;
    Graph prepared = run("prepare_quantization", raised);
    if (options_.equalization == Equalization::weights) prepared = run("equalize", prepared);
    return widened(prepared);
  }

  // With the widths of options on the values; what was decided before stays.
  Graph widened(const Graph& prepared) const {
    if (options_.widths.are_all_int8()) return prepared;
    return with_widths(prepared, options_.profile.quantization, options_.widths);
  }

  // The same function with channels scaled so that integers lose less.
  Graph equalized(const Graph& prepared, const SampleSource& samples) const {
    const QuantizationRules& rules = options_.profile.quantization;
    return equalized(
        prepared, samples,
        {.weight_bits = [&](const Node& node) { return weight_scheme(prepared, rules, node).bits; },
         .activation_bits =
             [&](ValueId value) {
               const auto& decided = prepared.value(value).quantization;
               return decided ? decided->bits : activation_scheme(rules).bits;
             }});
  }

  // Likewise where weights alone are integers, those that `marked` says.
  Graph equalized_for_blocks(const Graph& fused, const Graph& marked, const SampleSource& samples) const {
    const auto marked_weight = [&](const Node& node) {
      return marked.value(node.inputs[1]).quantization.value_or(ValueQuantization{.bits = 0});
    };
    return equalized(fused, samples,
                     {.weight_bits = [&](const Node& node) { return marked_weight(node).bits; },
                      .activation_bits = [](ValueId) { return 0; },
                      .block_size = [&](const Node& node) { return marked_weight(node).block_size; }});
  }

  QuantizationPlan plan_of(const Graph& ranged) const {
    return plan_quantization(ranged, options_.profile.quantization, float_nodes(options_));
  }

  QuantizedModel insert(const Graph& ranged) {
    QuantizationPlan plan = plan_of(ranged);
    if (plan.layers.empty())
      throw NothingToQuantize("nothing can be quantized: " +
                              why_nothing_is_quantized(ranged, plan.kept_float));
    name_first_causes(plan.kept_float, ranged);
    const std::size_t prepared_step_count = steps_.size();
    QuantizedModel result{.graph = run("quantize", ranged),
                          .prepared = ranged,
                          .steps = steps_,
                          .kept_float = plan.kept_float,
                          .integer_layer_count = static_cast<int>(plan.layers.size())};
    steps_.resize(prepared_step_count);
    return result;
  }

  // Biases corrected, if that is wanted.
  QuantizedModel corrected(QuantizedModel quantized, const Graph& teacher,
                           const SampleSource& samples) const {
    if (options_.corrects_biases)
      quantized.graph =
          with_corrected_biases(teacher, quantized.graph, samples, {.progress = tell("correcting biases")});
    return quantized;
  }

  // Ranges changed where the outputs lose less, if that is wanted.
  QuantizedModel searched(QuantizedModel quantized, const Graph& teacher, const Observations& observations,
                          const SampleSource& samples) {
    const Graph ranged = with_inferred_types(quantized.prepared);
    const QuantizationPlan plan = plan_of(ranged);
    if (!searches_ranges(ranged, plan)) return quantized;
    const Graph widest = with_chosen_ranges(teacher, observations, {.method = ObserverMethod::minmax});
    SearchedRanges found = search_ranges(ranged, widest, plan, samples, {.progress = options_.progress});
    QuantizedModel result = corrected(insert(found.graph), teacher, samples);
    result.observer = quantized.observer;
    result.searched_scales = std::move(found.scales);
    return result;
  }

  // Weights rounded by their second order where that is wanted; the rest stays.
  QuantizedModel rounded(QuantizedModel quantized, const Graph& teacher, const SampleSource& samples) {
    const Graph& ranged = quantized.prepared;
    const Graph weights = with_second_order_rounding(
        ranged, quantized.graph, samples,
        {.scheme_of = [&](const Node& node) { return rounded_scheme(ranged, node); },
         .corrects_biases = options_.corrects_biases,
         .progress = tell("rounding weights")});
    if (weights == ranged) return quantized;
    QuantizedModel result = corrected(insert(weights), teacher, samples);
    result.observer = quantized.observer;
    result.searched_scales = std::move(quantized.searched_scales);
    result.prepared = ranged;
    return result;
  }

  const std::vector<StepOutcome>& steps() const { return steps_; }

  std::function<void(std::int64_t, std::int64_t)> tell(std::string_view what) const {
    return [this, what](std::int64_t done, std::int64_t count) {
      if (options_.progress) options_.progress(what, done, count);
    };
  }

 private:
  Graph equalized(const Graph& graph, const SampleSource& samples, const EqualizationOptions& options) const {
    if (options_.equalization != Equalization::samples) return graph;
    const std::vector<FactorGroup> groups = find_factor_groups(graph);
    return with_factors(graph, groups, equalizing_factors(graph, groups, samples, options));
  }

  bool searches_ranges(const Graph& graph, const QuantizationPlan& plan) const {
    constexpr int wide_enough = 8;  // bits
    if (options_.range_search != RangeSearchUse::automatic)
      return options_.range_search == RangeSearchUse::always;
    const bool has_loss = std::ranges::any_of(
        graph.outputs(), [&](ValueId output) { return graph.type_of(output).dtype == DataType::float32; });
    return has_loss && std::ranges::any_of(plan.activations, [](const auto& activation) {
             return activation.second.scheme.bits < wide_enough;
           });
  }

  std::optional<QuantizationScheme> rounded_scheme(const Graph& graph, const Node& node) const {
    const QuantizationScheme scheme = weight_scheme(graph, options_.profile.quantization, node);
    const bool is_wanted = options_.rounding == WeightRounding::second_order ||
                           (options_.rounding == WeightRounding::automatic && scheme.bits < 8);
    return is_wanted ? std::optional(scheme) : std::nullopt;
  }

  // Where a layer stays in float anyway its ranges are not looked at, so that they lack is not why.
  void name_first_causes(std::vector<KeptFloat>& kept, const Graph& ranged) const {
    for (const KeptFloat& cause : plan_of(with_all_ranges(ranged)).kept_float) {
      const auto found = std::ranges::find(kept, cause.node, &KeptFloat::node);
      if (found != kept.end()) found->reason = cause.reason;
    }
  }

  const QuantizeOptions& options_;
  std::vector<StepOutcome> steps_;
};

}  // namespace

QuantizedModel quantize_model(const Graph& model, const SampleSource& samples,
                              const QuantizeOptions& options) {
  Story story(options);
  const Graph prepared = story.equalized(story.prepare(model), samples);
  require_float_nodes(options.keep_float, model, prepared);
  const std::set<std::string> needed = values_to_observe(prepared, options);
  const CalibrationOptions calibration{
      .is_wanted = [&](const Graph&, const Value& value) { return needed.contains(value.name); },
      .progress = story.tell("observing ranges")};
  const Observations observations = observe_values(prepared, samples, calibration);

  std::vector<ObserverTrial> trials;
  std::optional<QuantizedModel> best;
  for (const ObserverOptions& observer : options.observers) {
    const Graph ranged = with_ranges_of(prepared, observations, observer);
    QuantizedModel candidate = story.corrected(story.insert(ranged), prepared, samples);
    candidate.observer = observer.method;
    if (options.observers.size() > 1)
      trials.push_back(trial_of(observer.method, prepared, candidate.graph, samples));
    const bool is_best =
        trials.empty() || std::ranges::max_element(trials, {}, &ObserverTrial::sqnr_db) == trials.end() - 1;
    if (!best || is_best) best = std::move(candidate);
  }
  if (!best) throw InternalError("no observer was given");
  *best = story.searched(std::move(*best), prepared, observations, samples);
  QuantizedModel result = story.rounded(std::move(*best), prepared, samples);
  result.trials = std::move(trials);
  return recovered(std::move(result), samples, options);
}

std::string_view name_of(Equalization equalization) {
  return equalization_names[static_cast<std::size_t>(equalization)];
}

std::optional<Equalization> equalization_named(std::string_view name) {
  const auto found = std::ranges::find(equalization_names, name);
  if (found == equalization_names.end()) return std::nullopt;
  return static_cast<Equalization>(found - equalization_names.begin());
}

QuantizedModel quantize_with_ranges(const Graph& ranged, const QuantizeOptions& options) {
  Story story(options);
  return story.insert(story.widened(with_inferred_types(ranged)));
}

QuantizedModel quantize_model_with_ranges(const Graph& model, const RangesFile& file,
                                          const QuantizeOptions& options) {
  Story story(options);
  const Graph prepared = story.prepare(with_ranges(model, file));
  require_float_nodes(options.keep_float, model, prepared);
  return story.insert(prepared);
}

QuantizedModel quantize_weight_blocks(const Graph& model, const WeightBlocks& blocks, bool as_mat_mul_n_bits,
                                      const SampleSource* samples, const QuantizeOptions& options) {
  Story story(options);
  Graph fused = story.run("fuse", story.run("widen", model));
  require_float_nodes(options.keep_float, model, fused);
  Graph marked = with_weight_blocks(fused, blocks, float_nodes(options));
  if (samples && options.equalization == Equalization::samples) {
    fused = story.equalized_for_blocks(fused, marked, *samples);
    marked = with_weight_blocks(fused, blocks, float_nodes(options));
  }
  if (samples && options.rounding != WeightRounding::nearest)
    marked = with_second_order_blocks(marked, *samples, {.progress = options.progress});
  QuantizedModel result{.graph = story.run("quantize_blocks", marked), .prepared = fused};
  for (const NodeId id : result.graph.nodes())
    if (result.graph.node(id).attributes.get_int("block_size", 0) > 0) ++result.packed_layer_count;
  result.steps = story.steps();
  if (result.packed_layer_count == 0)
    throw NothingToQuantize(fmt::format("no weight was put into blocks: {}",
                                        fused.opset() < 21 ? "the model cannot be written at opset 21"
                                                           : "no MatMul or Gemm has a constant matrix"));
  if (as_mat_mul_n_bits)
    result.graph = run_pipeline(pipeline_of("replace_block_mat_mul"), result.graph, {}).graph;
  return result;
}

}  // namespace edgeopt
