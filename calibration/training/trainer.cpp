#include "calibration/training/trainer.h"

#include <fmt/format.h>

#include <cmath>

#include "calibration/training/checkpoint.h"
#include "calibration/training/trainable.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// The loss alone, for held-back samples: with every element quantized.
Graph loss_of(const Graph& step) {
  const std::vector<ValueId> inputs = required_inputs(step);
  return without_dropping(extract(step, inputs, std::vector<ValueId>{step.outputs()[0]}));
}

double mean_of(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return numbers.empty() ? 0 : sum / static_cast<double>(numbers.size());
}

// Paired by sample: the mean difference is above one standard error of itself.
// source  the one-standard-error rule: Breiman et al., "Classification and Regression Trees", 1984,
// section 3.4.3
bool is_clearly_worse(const std::vector<double>& losses, const std::vector<double>& best) {
  if (best.empty()) return false;
  std::vector<double> differences;
  for (std::size_t i = 0; i < losses.size(); ++i) differences.push_back(losses[i] - best[i]);
  const double mean = mean_of(differences);
  double squares = 0;
  for (const double difference : differences) squares += (difference - mean) * (difference - mean);
  const auto count = static_cast<double>(differences.size());
  return mean > std::sqrt(squares / std::max(1.0, count - 1) / count);
}

class Training {
 public:
  Training(const TrainingTask& task, const SampleSource& samples, const SampleSource* held_back,
           const TrainingOptions& options)
      : task_(task),
        options_(options),
        batches_(samples, options.batches),
        sessions_(task.graph),
        loss_sessions_(loss_of(task.graph)),
        optimizer_(options.optimizer, task.parameters) {
    if (held_back) held_back_.emplace(*held_back, options.batches);
    state_.parameters = task.parameters;
    state_.best = task.parameters;
    if (!options.checkpoint.empty()) fingerprint_ = fingerprint_of(task, samples, options);
  }

  TrainingOutcome run() {
    begin();
    while (state_.step < options_.step_count && state_.looks_without_gain < options_.patience) {
      one_step();
      ++state_.step;
      report_progress(options_.progress, "learning", state_.step, options_.step_count);
      const bool is_last = state_.step == options_.step_count;
      if (is_last || state_.step % options_.check_interval == 0) look();
    }
    TrainingOutcome outcome = std::move(state_.outcome);
    outcome.has_ended_early = state_.step < options_.step_count;
    outcome.parameters = std::move(state_.best);
    return outcome;
  }

 private:
  void begin() {
    if (!options_.checkpoint.empty() && load_checkpoint(options_.checkpoint, fingerprint_, state_)) {
      optimizer_.restore(state_.step, std::move(state_.moments));
      const std::int64_t held_back = held_back_ ? held_back_->sample_count() : 0;
      if (std::ssize(state_.best_losses) != held_back)
        throw UserError(
            fmt::format("the checkpoint '{}' has {} losses for {} samples held back; delete it to "
                        "begin anew",
                        options_.checkpoint.string(), state_.best_losses.size(), held_back));
      return;
    }
    if (held_back_) consider(held_back_losses(), 0);
  }

  Tensors inputs_for(Tensors samples, std::int64_t seed) const {
    if (task_.has_seed) samples.push_back(Tensor::scalar(seed));
    for (const Parameter& parameter : state_.parameters) samples.push_back(parameter.value);
    return samples;
  }

  void one_step() {
    const std::int64_t shard_count = batches_.shard_count();
    std::vector<Tensors> results(static_cast<std::size_t>(shard_count));
    parallel_for(shard_count, [&](std::int64_t i, int worker) {
      const std::int64_t seed = state_.step * shard_count + i;
      results[static_cast<std::size_t>(i)] =
          sessions_.session(worker).run(inputs_for(batches_.shard(state_.step, i), seed));
    });
    double loss = 0;
    for (const Tensors& result : results) loss += to_double(result[0]);
    const auto count = static_cast<double>(options_.batches.batch_size);
    loss_sum_ += loss / count;
    ++loss_count_;
    if (!std::isfinite(loss))
      throw UserError(
          fmt::format("the loss is {} at step {}; try a smaller learning rate", loss, state_.step));
    Tensors gradients = summed(std::move(results));
    if (task_.regularize) task_.regularize(state_.step, state_.parameters, gradients);
    optimizer_.step(state_.parameters, gradients, count,
                    cosine_schedule(state_.step, options_.step_count, options_.warmup));
  }

  // Gradients added up in the order of the shards.
  Tensors summed(std::vector<Tensors> results) const {
    Tensors sums(results[0].begin() + 1, results[0].end());
    parallel_for(static_cast<std::int64_t>(sums.size()), [&](std::int64_t i, int) {
      const auto k = static_cast<std::size_t>(i);
      const std::span<float> sum = sums[k].mutable_data<float>();
      for (std::size_t shard = 1; shard < results.size(); ++shard) {
        const std::span<const float> part = results[shard][k + 1].data<float>();
        for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += part[j];
      }
    });
    return sums;
  }

  std::vector<double> held_back_losses() {
    std::vector<double> losses(static_cast<std::size_t>(held_back_->sample_count()));
    parallel_for(held_back_->sample_count(), [&](std::int64_t i, int worker) {
      losses[static_cast<std::size_t>(i)] =
          to_double(loss_sessions_.session(worker).run(inputs_for(held_back_->sample(i), 0))[0]);
    });
    return losses;
  }

  void look() {
    const double training_loss = loss_sum_ / static_cast<double>(std::max<std::int64_t>(1, loss_count_));
    loss_sum_ = 0;
    loss_count_ = 0;
    const std::vector<double> losses = held_back_ ? held_back_losses() : std::vector<double>{};
    state_.outcome.history.push_back({.step = state_.step,
                                      .training_loss = training_loss,
                                      .held_back_loss = held_back_ ? mean_of(losses) : training_loss});
    consider(losses, state_.step);
    if (options_.checkpoint.empty()) return;
    state_.moments = optimizer_.moments();
    save_checkpoint(options_.checkpoint, fingerprint_, state_);
    state_.moments.clear();
  }

  // The later parameters win unless the best so far are better by more than one standard error: few samples
  // tell no finer.
  void consider(const std::vector<double>& losses, std::int64_t step) {
    if (is_clearly_worse(losses, state_.best_losses)) {
      ++state_.looks_without_gain;
      return;
    }
    state_.looks_without_gain = 0;
    state_.best = state_.parameters;
    state_.outcome.best_step = step;
    if (state_.best_losses.empty() || mean_of(losses) < mean_of(state_.best_losses))
      state_.best_losses = losses;
  }

  const TrainingTask& task_;
  const TrainingOptions& options_;
  Batches batches_;
  std::optional<Batches> held_back_;
  SessionPool sessions_;
  SessionPool loss_sessions_;
  Optimizer optimizer_;
  TrainingState state_;
  std::string fingerprint_;
  double loss_sum_ = 0;
  std::int64_t loss_count_ = 0;
};

}  // namespace

TrainingOutcome train(const TrainingTask& task, const SampleSource& samples, const SampleSource* held_back,
                      const TrainingOptions& options) {
  return Training(task, samples, held_back, options).run();
}

}  // namespace edgeopt
