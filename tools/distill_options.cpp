#include "tools/distill_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/file.h"
#include "tools/option_checks.h"

namespace edgeopt {
namespace {

constexpr double multiply_adds_per_unit_of_work = 1e12;
// Of the work, for rounding; the rest is for learning end to end.
constexpr double reconstruction_share = 0.4;
const char* const group = learning_group;

OptimizerKind optimizer_named(const std::string& name) {
  if (name == "sgd") return OptimizerKind::sgd;
  return name == "adamw" ? OptimizerKind::adamw : OptimizerKind::adam;
}

NormalizationLearning normalization_named(const std::string& name) {
  if (name == "keep") return NormalizationLearning::keep;
  return name == "refresh" ? NormalizationLearning::refresh : NormalizationLearning::learn;
}

void declare_loss_options(CLI::App& app, DistillFlags& flags) {
  const auto add_weight = [&](const char* name, double& weight, const char* help) {
    app.add_option(name, weight, help)->check(number_not_below_zero())->capture_default_str()->group(group);
  };
  app.add_option("--temperature", flags.temperature, "Softens the class probabilities that are compared")
      ->check(positive_number())
      ->capture_default_str()
      ->group(group);
  add_weight("--label-weight", flags.label_weight,
             "Weight of the labels' cross-entropy, if there are labels");
  add_weight("--feature-weight", flags.feature_weight, "Weight of the error of intermediate values");
  app.add_option("--feature", flags.features,
                 "With --feature-weight: compare this value of the teacher; may be given several times. "
                 "None: the results of all layers")
      ->type_name("VALUE")
      ->allow_extra_args(false)
      ->group(group);
  add_weight("--cosine-weight", flags.cosine_weight, "Weight of the angle between the outputs");
}

void declare_parameter_options(CLI::App& app, DistillFlags& flags) {
  app.add_option("--normalization", flags.normalization,
                 "Scales and biases of normalizations: keep, learn, or learn after their running statistics "
                 "were estimated anew")
      ->check(one_of({"keep", "learn", "refresh"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--learn", flags.learned, "What is learned, of weights, biases and scales (of integers)")
      ->check(one_of({"weights", "biases", "scales"}))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("LIST")
      ->capture_default_str()
      ->group(group);
  app.add_option("--freeze", flags.frozen_layers,
                 "Leave the weights, biases and weight scales of this node; may be given several times")
      ->type_name("NODE")
      ->allow_extra_args(false)
      ->group(group);
}

TrainableOptions trainable_options(const DistillFlags& flags) {
  const auto is_learned = [&](const char* role) { return std::ranges::count(flags.learned, role) > 0; };
  return {.learns_weights = is_learned("weights"),
          .learns_biases = is_learned("biases"),
          .learns_activation_scales = is_learned("scales"),
          .learns_weight_scales = is_learned("scales"),
          .frozen_layers = {flags.frozen_layers.begin(), flags.frozen_layers.end()}};
}

}  // namespace

void declare_distill_options(CLI::App& app, DistillFlags& flags) {
  app.add_option("--steps", flags.step_count, "Steps of learning; 0: as many as --work pays for")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{100000000}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--work", flags.work,
                 "Work to spend on learning, in 10^12 multiply-adds; 1 takes a core 15 to 40 s")
      ->check(positive_number())
      ->capture_default_str()
      ->group(group);
  app.add_option("--batch", flags.batch_size, "Samples per step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str()
      ->group(group);
  app.add_option("--learning-rate", flags.learning_rate,
                 "Largest step, relative to the size of what is learned; rises first, then falls to 0")
      ->check(positive_number())
      ->capture_default_str()
      ->group(group);
  app.add_option("--optimizer", flags.optimizer, "How parameters move against their gradients")
      ->check(one_of({"sgd", "adam", "adamw"}))
      ->capture_default_str()
      ->group(group);
  declare_parameter_options(app, flags);
  declare_loss_options(app, flags);
  app.add_flag("--no-augmentation", flags.without_augmentation, "Learn on the samples as they are")
      ->group(group);
  app.add_option("--memory", flags.largest_memory_bytes,
                 "Most that intermediate values may take while learning, as in 500MB; what is too much is "
                 "computed twice; 0: no limit")
      ->transform(size_in_bytes())
      ->type_name("SIZE")
      ->group(group);
  app.add_option("--checkpoint", flags.checkpoint, "File to go on from if the run is stopped")
      ->type_name("FILE")
      ->group(group);
}

DistillationOptions distillation_options(const DistillFlags& flags, const RunContext& context) {
  if (!flags.checkpoint.empty()) require_writable(flags.checkpoint);
  if (!flags.features.empty() && flags.feature_weight <= 0)
    throw UserError("--feature names what --feature-weight compares; give --feature-weight too, above 0");
  DistillationOptions options{
      .loss = {.temperature = flags.temperature,
               .cosine = flags.cosine_weight,
               .features = flags.feature_weight,
               .labels = flags.label_weight},
      .feature_names = flags.features,
      .trainable = trainable_options(flags),
      .normalization = normalization_named(flags.normalization),
      .optimizer = {.kind = optimizer_named(flags.optimizer), .learning_rate = flags.learning_rate},
      .step_count = flags.step_count,
      .batch_size = flags.batch_size,
      .work = flags.work * multiply_adds_per_unit_of_work,
      .largest_memory_bytes = flags.largest_memory_bytes,
      .checkpoint = flags.checkpoint,
      .seed = context.seed,
      .progress = context.progress,
  };
  if (flags.without_augmentation) options.augmentation = AugmentationOptions{};
  return options;
}

RecoveryOptions recovery_options(const DistillFlags& flags, const RunContext& context) {
  RecoveryOptions options{.distillation = distillation_options(flags, context)};
  if (!flags.reconstructs) return options;
  const double work = flags.work * multiply_adds_per_unit_of_work * reconstruction_share;
  options.reconstruction =
      ReconstructionOptions{.work = work, .seed = context.seed, .progress = context.progress};
  std::int64_t& kept = options.reconstruction->largest_memory_bytes;
  if (flags.largest_memory_bytes > 0) kept = std::min(kept, flags.largest_memory_bytes);
  options.distillation.work -= work;
  return options;
}

std::string describe_history(const Distilled& distilled) {
  const bool is_held_back = distilled.held_back_count > 0;
  std::string text =
      is_held_back ? "     step  training loss  held-back loss\n" : "     step  training loss\n";
  for (const LossPoint& point : distilled.history) {
    // Rounding leaves a loss of nothing on either side of 0.
    text += fmt::format("  {:>7}  {:>13.6f}", point.step, std::abs(point.training_loss));
    if (is_held_back) text += fmt::format("  {:>14.6f}", std::abs(point.held_back_loss));
    text += "\n";
  }
  if (!is_held_back)
    text += "caution: too few samples to hold any back, so the last step was kept, better or not\n";
  return text;
}

std::string describe_steps(const Distilled& distilled) {
  std::string text = fmt::format("{} step{}", distilled.step_count, distilled.step_count == 1 ? "" : "s");
  if (distilled.held_back_count == 0) return text;
  if (distilled.best_step == 0)
    return text + fmt::format("; none was better on {} samples held back, so nothing changed",
                              distilled.held_back_count);
  return text + fmt::format("; the best on {} samples held back came at step {}", distilled.held_back_count,
                            distilled.best_step);
}

std::string describe_learning(const Distilled& distilled) {
  return fmt::format(" ({}):\n{}", describe_steps(distilled), describe_history(distilled));
}

nlohmann::ordered_json learning_to_json(const Distilled& distilled) {
  nlohmann::ordered_json history = nlohmann::ordered_json::array();
  for (const LossPoint& point : distilled.history)
    history.push_back({{"step", point.step},
                       {"training_loss", point.training_loss},
                       {"held_back_loss", point.held_back_loss}});
  return {{"parameter_count", distilled.parameter_count},
          {"step_count", distilled.step_count},
          {"best_step", distilled.best_step},
          {"held_back_count", distilled.held_back_count},
          {"segment_count", distilled.segment_count},
          {"intermediate_bytes", distilled.intermediate_bytes},
          {"history", history}};
}

}  // namespace edgeopt
