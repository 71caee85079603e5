#include "calibration/training/distillation.h"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/training/normalization_statistics.h"
#include "calibration/training/recomputation.h"
#include "calibration/training/with_parameters.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// What one sample costs per step: teacher once, student forward once and backward twice.
constexpr double runs_per_step = 4;
constexpr std::int64_t fewest_steps = 50;
constexpr std::int64_t most_steps = 6000;  // pruned resnet20's loss was flat after 3800
// Fewer tell nothing; and of so few samples that these would be more than a quarter, none is held back.
constexpr std::int64_t fewest_held_back = 4;
// How often the held-back samples are looked at; each look costs one run of each.
constexpr std::int64_t look_count = 25;

std::int64_t affordable_steps(const Graph& teacher, const DistillationOptions& options) {
  if (options.step_count > 0) return options.step_count;
  const double per_step = work_per_sample(teacher) * runs_per_step * static_cast<double>(options.batch_size);
  return std::clamp(static_cast<std::int64_t>(options.work / per_step), fewest_steps, most_steps);
}

struct Split {
  SampleSource training;
  std::optional<SampleSource> held_back;
};

// Every k-th sample is held back, so that sorted classes fall into both parts.
Split split(const SampleSource& samples, double share) {
  const auto wanted =
      std::max(fewest_held_back, static_cast<std::int64_t>(share * static_cast<double>(samples.count)));
  if (share <= 0 || samples.count < 4 * fewest_held_back)
    return {.training = samples, .held_back = std::nullopt};
  const std::int64_t interval = samples.count / wanted;
  std::vector<std::int64_t> kept, held;
  for (std::int64_t i = 0; i < samples.count; ++i) (i % interval == interval - 1 ? held : kept).push_back(i);
  return {.training = select_samples(samples, std::move(kept)),
          .held_back = select_samples(samples, std::move(held))};
}

TrainingOptions training_options(const DistillationOptions& options, const DistillationGraph& graph,
                                 std::int64_t step_count) {
  TrainingOptions training{.step_count = step_count,
                           .batches = {.batch_size = options.batch_size,
                                       .class_count = graph.has_labels ? graph.class_count : 0,
                                       .seed = options.seed},
                           .optimizer = options.optimizer,
                           .check_interval = std::max<std::int64_t>(1, step_count / look_count),
                           .checkpoint = options.checkpoint,
                           .progress = options.progress};
  training.patience =
      look_count;  // the learning rate falls to 0: the last looks are the best, barring trouble
  return training;
}

// Before learning and not after it: what is learned then belongs to the statistics that the result has.
Graph prepared(const Graph& student, const SampleSource& samples, const DistillationOptions& options) {
  if (options.normalization != NormalizationLearning::refresh) return student;
  return with_refreshed_statistics(student, samples, {.progress = options.progress});
}

TrainableOptions trainable_options(const DistillationOptions& options) {
  TrainableOptions trainable = options.trainable;
  if (options.normalization == NormalizationLearning::keep) trainable.learns_normalizations = false;
  return trainable;
}

std::vector<std::string> features_of(const Graph& teacher, const Trainable& student,
                                     const DistillationOptions& options) {
  if (options.feature_names.empty()) return common_features(teacher, student);
  for (const std::string& name : options.feature_names) {
    const auto found = teacher.find_value(name);
    if (!found || teacher.type_of(*found).dtype != DataType::float32)
      throw UserError(fmt::format("the teacher has no float value '{}' to compare", name));
    if (!counterpart_of(student, name))
      throw UserError(fmt::format("the student has nothing that stands for the teacher's value '{}'", name));
  }
  return options.feature_names;
}

// Shards run side by side, each in a thread.
FittingStep within_memory(const TrainingTask& task, const std::vector<NodeId>& forward,
                          const Batches& batches, std::int64_t largest_bytes) {
  Tensors inputs = batches.shard(0, 0);
  if (task.has_seed) inputs.push_back(Tensor::scalar(std::int64_t{0}));
  for (const Parameter& parameter : task.parameters) inputs.push_back(parameter.value);
  const std::int64_t sessions = std::min<std::int64_t>(thread_count(), batches.shard_count());
  return fitting_step(task.graph, forward, inputs, static_cast<std::size_t>(largest_bytes / sessions));
}

}  // namespace

Distilled distill(const Graph& original, const Graph& teacher, const SampleSource& samples,
                  const DistillationOptions& options) {
  if (options.loss.labels > 0 && !samples.has_labels)
    throw UserError("the loss asks for labels, but the samples have none");
  const Split parts = split(samples, options.held_back_share);
  const Graph student = prepared(original, parts.training, options);
  const Trainable trainable = make_trainable(student, trainable_options(options));
  const DistillationGraph graph =
      distillation_graph(teacher, trainable, options.loss, features_of(teacher, trainable, options));
  if (graph.has_labels) check_labels(samples, graph.class_count);
  TrainingOptions training = training_options(options, graph, affordable_steps(teacher, options));
  training.batches.shard_size = shard_size_for(student, samples);
  training.batches.augmentation =
      options.augmentation.value_or(augmentation_for(samples.read(0).inputs.at(0).dims()));

  TrainingTask task{.graph = graph.graph, .parameters = trainable.parameters, .has_seed = graph.has_seed};
  FittingStep fitting;
  if (options.largest_memory_bytes > 0) {
    fitting = within_memory(task, graph.forward, Batches(parts.training, training.batches),
                            options.largest_memory_bytes);
    task.graph = fitting.graph;
  }
  const TrainingOutcome outcome =
      train(task, parts.training, parts.held_back ? &*parts.held_back : nullptr, training);
  Distilled result{.graph = with_parameters(student, trainable, outcome.parameters),
                   .history = outcome.history,
                   .step_count = training.step_count,
                   .best_step = outcome.best_step,
                   .held_back_count = parts.held_back ? parts.held_back->count : 0,
                   .segment_count = fitting.segment_count,
                   .intermediate_bytes = fitting.bytes};
  for (const Parameter& parameter : outcome.parameters)
    result.parameter_count += parameter.value.element_count();
  return result;
}

}  // namespace edgeopt
