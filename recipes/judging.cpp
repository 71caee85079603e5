// An evaluation told as a list of metrics: value, 95 % confidence interval, paired difference.
#include "recipes/judging.h"

#include <algorithm>

namespace edgeopt {
namespace {

Interval percent(const Interval& share) { return {100 * share.value, 100 * share.low, 100 * share.high}; }

// A drop of 1 is a difference of -1.
Interval difference_of_drop(const Interval& drop) {
  return {0 - 100 * drop.value, 0 - 100 * drop.high, 0 - 100 * drop.low};
}

void add_accuracy(const Evaluation& evaluation, Judgement& judgement) {
  if (!evaluation.accuracy) return;
  const Accuracy& result = *evaluation.accuracy;
  const std::optional<Accuracy>& original = evaluation.reference_accuracy;
  Metric top1{.name = "top1", .unit = "percent", .result = percent(result.top1)};
  if (original) top1.original = percent(original->top1);
  if (evaluation.top1_drop) top1.difference = difference_of_drop(*evaluation.top1_drop);
  judgement.metrics.push_back(top1);
  if (!result.top5) return;
  Metric top5{.name = "top5", .unit = "percent", .result = percent(*result.top5)};
  if (original && original->top5) top5.original = percent(*original->top5);
  judgement.metrics.push_back(top5);
}

// "sqnr" is that of the classes where there are some, else of the first output; the others carry their names.
void add_closeness(const Evaluation& evaluation, Judgement& judgement) {
  const auto is_main = [&](const OutputCloseness& output) {
    return output.output == evaluation.class_output;
  };
  const auto main_output = std::find_if(evaluation.outputs.begin(), evaluation.outputs.end(), is_main);
  const auto chosen = main_output == evaluation.outputs.end() ? evaluation.outputs.begin() : main_output;
  for (auto output = evaluation.outputs.begin(); output != evaluation.outputs.end(); ++output) {
    const std::string suffix = output == chosen ? "" : " of " + output->output;
    judgement.metrics.push_back({.name = "sqnr" + suffix, .unit = "dB", .result = output->sqnr_db});
    judgement.metrics.push_back({.name = "cosine" + suffix, .unit = "", .result = output->cosine});
  }
}

}  // namespace

const Metric* Judgement::find(const std::string& name) const {
  const auto is_it = [&](const Metric& metric) { return metric.name == name; };
  const auto found = std::find_if(metrics.begin(), metrics.end(), is_it);
  return found == metrics.end() ? nullptr : &*found;
}

Judgement judgement_of(const Evaluation& evaluation) {
  Judgement judgement{.sample_count = evaluation.sample_count};
  add_accuracy(evaluation, judgement);
  if (evaluation.agreement)
    judgement.metrics.push_back(
        {.name = "agreement", .unit = "percent", .result = percent(*evaluation.agreement)});
  if (evaluation.divergence)
    judgement.metrics.push_back({.name = "divergence", .unit = "nats", .result = *evaluation.divergence});
  add_closeness(evaluation, judgement);
  return judgement;
}

Judgement judge_models(const Graph& original, const Graph& result, const SampleSource& samples,
                       const EvaluationOptions& options) {
  EvaluationOptions paired = options;
  paired.reference = &original;
  return judgement_of(evaluate_model(result, samples, paired));
}

}  // namespace edgeopt
