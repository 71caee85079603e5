// The options of distillation, the same for `distill`, `quantize --recover` and `prune`.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "recipes/quantize.h"
#include "tools/command.h"

namespace edgeopt {

/// Option::group of them.
inline constexpr const char* learning_group = "Learning";

struct DistillFlags {
  std::int64_t step_count = 0;
  std::int64_t batch_size = 32;
  double work = 4;  // 10^12 multiply-adds
  double learning_rate = 1e-3;
  std::string optimizer = "adam";
  std::string normalization = "learn";
  std::vector<std::string> learned = {"weights", "biases", "scales"};
  std::vector<std::string> frozen_layers;
  double temperature = 1;
  double label_weight = 0;
  double feature_weight = 0;
  std::vector<std::string> features;
  double cosine_weight = 0;
  bool without_augmentation = false;
  std::int64_t largest_memory_bytes = 0;
  bool reconstructs = false;
  std::string checkpoint;
};

void declare_distill_options(CLI::App& app, DistillFlags& flags);

/// throws  UserError if the checkpoint cannot be written
DistillationOptions distillation_options(const DistillFlags& flags, const RunContext& context);

/// The same with rounding learned block by block before, for `--recover`; --work pays for both.
RecoveryOptions recovery_options(const DistillFlags& flags, const RunContext& context);

/// How many steps, and which was kept.
std::string describe_steps(const Distilled& distilled);
/// One line per look at the held-back samples.
std::string describe_history(const Distilled& distilled);
/// Behind a phrase: which step was kept, and the losses.
std::string describe_learning(const Distilled& distilled);
/// How learning went: steps, the one that was kept, losses.
nlohmann::ordered_json learning_to_json(const Distilled& distilled);

}  // namespace edgeopt
