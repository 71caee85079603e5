// One pass over the samples keeps a few numbers of each; figures and intervals come from those, in sample
// order.
#include "recipes/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>

#include "calibration/class_scores.h"
#include "ir/evaluate.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

constexpr std::int64_t top_count = 5;

/// Sums over one output of one sample.
struct OutputSums {
  double reference_energy = 0;  // sum ref^2
  double noise_energy = 0;      // sum (ref - x)^2
  double cosine = 1;
  std::int64_t nonfinite_count = 0;
};

/// What is kept of one sample.
struct SampleResult {
  std::int64_t predicted = -1;
  std::int64_t reference_predicted = -1;
  std::int64_t label_rank = -1;  // classes before the label's; 0 is top-1
  std::int64_t reference_label_rank = -1;
  double divergence = 0;    // of the classes from the reference's
  double score_energy = 0;  // of the reference's scores around their mean
  double score_noise = 0;
  std::vector<OutputSums> outputs;
};

/// The scores of one sample: [1, classes].
std::vector<double> scores_of(const Tensor& output) {
  return to_doubles(is_floating_point(output.dtype()) ? cast(output, DataType::float32) : output);
}

/// Higher scores first, of equal ones the lower index; NaN last.
bool comes_before(const std::vector<double>& scores, std::size_t a, std::size_t b) {
  if (std::isnan(scores[a]) != std::isnan(scores[b])) return std::isnan(scores[b]);
  return scores[a] > scores[b] || (!(scores[a] < scores[b]) && a < b);
}

/// How many classes come before `label`.
std::int64_t rank_of(const std::vector<double>& scores, std::int64_t label) {
  std::int64_t rank = 0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (comes_before(scores, i, static_cast<std::size_t>(label))) ++rank;
  return rank;
}

std::int64_t largest_of(const std::vector<double>& scores) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < scores.size(); ++i)
    if (comes_before(scores, i, best)) best = i;
  return static_cast<std::int64_t>(best);
}

OutputSums compare_outputs(const Tensor& reference, const Tensor& tensor, const std::string& name) {
  if (reference.dims() != tensor.dims())
    throw UserError(
        fmt::format("output '{}' is {}, but the reference's is {}; compare models of the same task", name,
                    to_string(tensor.dims()), to_string(reference.dims())));
  const std::vector<double> expected = scores_of(reference);
  const std::vector<double> found = scores_of(tensor);
  OutputSums sums;
  double product = 0;
  double energy = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!std::isfinite(found[i])) ++sums.nonfinite_count;
    const bool is_same = found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i]));
    if (!std::isfinite(found[i]) && is_same) continue;
    const double error = expected[i] - found[i];
    sums.noise_energy += error * error;
    sums.reference_energy += expected[i] * expected[i];
    energy += found[i] * found[i];
    product += expected[i] * found[i];
  }
  const double length = std::sqrt(energy * sums.reference_energy);
  sums.cosine = length > 0 && std::isfinite(length) ? product / length : (sums.noise_energy == 0 ? 1 : 0);
  return sums;
}

double decibels(double signal, double noise) {
  if (!std::isfinite(noise)) return -std::numeric_limits<double>::infinity();
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

/// Which outputs are compared: the floating-point ones, in the graphs' order.
std::vector<std::size_t> compared_outputs(const Graph& graph, const Graph& reference) {
  if (graph.outputs().size() != reference.outputs().size())
    throw UserError(fmt::format("the model has {} outputs, the reference {}; compare models of the same task",
                                graph.outputs().size(), reference.outputs().size()));
  std::vector<std::size_t> compared;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i)
    if (is_floating_point(graph.type_of(graph.outputs()[i]).dtype)) compared.push_back(i);
  return compared;
}

void check_same_inputs(const Graph& graph, const Graph& reference) {
  const std::vector<ValueId> own = required_inputs(graph);
  const std::vector<ValueId> others = required_inputs(reference);
  const auto has_same_name = [&](ValueId a, ValueId b) { return graph.name_of(a) == reference.name_of(b); };
  if (!std::equal(own.begin(), own.end(), others.begin(), others.end(), has_same_name))
    throw UserError("the model and its reference have different inputs; compare models of the same task");
}

/// Runs one sample through both models.
class SampleRunner {
 public:
  SampleRunner(const Graph& graph, const SampleSource& samples, const EvaluationOptions& options)
      : graph_(graph), samples_(samples), sessions_(graph), class_output_(class_output_of(graph)) {
    if (class_output_) is_probability_ = ends_in_softmax(graph, *class_output_);
    if (!options.reference) return;
    if (class_output_) is_probability_of_reference_ = ends_in_softmax(*options.reference, *class_output_);
    check_same_inputs(graph, *options.reference);
    compared_ = compared_outputs(graph, *options.reference);
    reference_sessions_.emplace(*options.reference);
  }

  SampleResult run(std::int64_t index, int worker) {
    const Sample sample = samples_.read(index);
    return while_doing(fmt::format("evaluating sample {}", index), [&] {
      SampleResult result;
      const Tensors outputs = sessions_.session(worker).run(sample.inputs);
      if (class_output_) classify(outputs[*class_output_], sample, result.predicted, result.label_rank);
      if (!reference_sessions_) return result;
      const Tensors expected = reference_sessions_->session(worker).run(sample.inputs);
      if (class_output_)
        classify(expected[*class_output_], sample, result.reference_predicted, result.reference_label_rank);
      if (class_output_) compare_classes(expected[*class_output_], outputs[*class_output_], result);
      for (const std::size_t i : compared_)
        result.outputs.push_back(
            compare_outputs(expected[i], outputs[i], graph_.name_of(graph_.outputs()[i])));
      return result;
    });
  }

  const std::vector<std::size_t>& compared() const { return compared_; }
  std::optional<std::size_t> class_output() const { return class_output_; }

 private:
  static void classify(const Tensor& output, const Sample& sample, std::int64_t& predicted,
                       std::int64_t& label_rank) {
    const std::vector<double> scores = scores_of(output);
    if (scores.empty()) throw UserError("the class output is empty");
    predicted = largest_of(scores);
    if (!sample.label) return;
    if (*sample.label < 0 || *sample.label >= static_cast<std::int64_t>(scores.size()))
      throw UserError(fmt::format("the label is {}, but the model has classes 0 to {}; mend the labels",
                                  *sample.label, scores.size() - 1));
    label_rank = rank_of(scores, *sample.label);
  }

  void compare_classes(const Tensor& expected, const Tensor& found, SampleResult& result) const {
    const std::vector<double> wanted = log_probabilities(expected, is_probability_of_reference_);
    const std::vector<double> given = log_probabilities(found, is_probability_);
    result.divergence = divergence(wanted, given);
    if (wanted.size() != given.size()) return;
    const auto count = static_cast<double>(wanted.size());
    const double wanted_mean = std::accumulate(wanted.begin(), wanted.end(), 0.0) / count;
    const double given_mean = std::accumulate(given.begin(), given.end(), 0.0) / count;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const double score = wanted[i] - wanted_mean, error = given[i] - given_mean - score;
      result.score_energy += score * score;
      result.score_noise += error * error;
    }
  }

  const Graph& graph_;
  const SampleSource& samples_;
  SessionPool sessions_;
  std::optional<std::size_t> class_output_;
  bool is_probability_ = false;
  bool is_probability_of_reference_ = false;
  std::optional<SessionPool> reference_sessions_;
  std::vector<std::size_t> compared_;
};

std::vector<SampleResult> run_samples(SampleRunner& runner, std::int64_t count,
                                      const EvaluationOptions& options) {
  std::vector<SampleResult> results(static_cast<std::size_t>(count));
  std::mutex progress_lock;
  std::int64_t done = 0;
  parallel_for(count, [&](std::int64_t i, int worker) {
    results[static_cast<std::size_t>(i)] = runner.run(i, worker);
    const std::scoped_lock guard(progress_lock);
    if (++done; options.progress) options.progress(done, count);
  });
  return results;
}

Accuracy accuracy_of(const std::vector<SampleResult>& results, const SampleSource& samples,
                     std::int64_t class_count, std::int64_t SampleResult::*rank) {
  std::int64_t top1 = 0;
  std::int64_t top5 = 0;
  std::map<std::int64_t, ClassAccuracy> classes;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const bool is_correct = results[i].*rank == 0;
    top1 += is_correct ? 1 : 0;
    top5 += results[i].*rank < top_count ? 1 : 0;
    ClassAccuracy& entry = classes[samples.labels[i]];
    entry.label = samples.labels[i];
    ++entry.sample_count;
    entry.correct_count += is_correct ? 1 : 0;
  }
  const auto total = static_cast<std::int64_t>(results.size());
  Accuracy accuracy{.top1 = wilson_interval(top1, total)};
  // Where the type leaves the number of classes open, there are taken to be more than 5.
  if (class_count < 0 || class_count > top_count) accuracy.top5 = wilson_interval(top5, total);
  for (const auto& [label, entry] : classes) accuracy.per_class.push_back(entry);
  return accuracy;
}

Interval top1_drop_of(const std::vector<SampleResult>& results) {
  PairedCounts counts;
  for (const SampleResult& result : results) {
    const bool is_reference_right = result.reference_label_rank == 0;
    const bool is_right = result.label_rank == 0;
    if (is_reference_right && is_right) ++counts.both;
    if (is_reference_right && !is_right) ++counts.only_first;
    if (!is_reference_right && is_right) ++counts.only_second;
    if (!is_reference_right && !is_right) ++counts.neither;
  }
  return paired_difference(counts);
}

Interval agreement_of(const std::vector<SampleResult>& results) {
  const auto agrees = [](const SampleResult& r) { return r.predicted == r.reference_predicted; };
  return wilson_interval(std::count_if(results.begin(), results.end(), agrees),
                         static_cast<std::int64_t>(results.size()));
}

Interval divergence_of(const std::vector<SampleResult>& results, std::uint64_t seed) {
  const auto mean = [&](const std::vector<std::size_t>& indices) {
    double sum = 0;
    for (const std::size_t i : indices) sum += results[i].divergence;
    return sum / static_cast<double>(indices.size());
  };
  return bootstrap_interval(results.size(), mean, seed);
}

OutputCloseness closeness_of(const std::vector<SampleResult>& results, std::size_t place, std::string name,
                             std::uint64_t seed) {
  const auto sqnr = [&](const std::vector<std::size_t>& indices) {
    double signal = 0;
    double noise = 0;
    for (const std::size_t i : indices) {
      signal += results[i].outputs[place].reference_energy;
      noise += results[i].outputs[place].noise_energy;
    }
    return decibels(signal, noise);
  };
  const auto cosine = [&](const std::vector<std::size_t>& indices) {
    double sum = 0;
    for (const std::size_t i : indices) sum += results[i].outputs[place].cosine;
    return sum / static_cast<double>(indices.size());
  };
  OutputCloseness closeness{.output = std::move(name)};
  closeness.sqnr_db = bootstrap_interval(results.size(), sqnr, seed);
  closeness.cosine = bootstrap_interval(results.size(), cosine, seed);
  for (const SampleResult& result : results)
    closeness.nonfinite_count += result.outputs[place].nonfinite_count;
  return closeness;
}

/// The number of classes; -1 if the type leaves it open.
std::int64_t class_count_of(const Graph& graph, std::size_t output) {
  return (*graph.type_of(graph.outputs()[output]).shape)[1].size;
}

}  // namespace

Evaluation evaluate_model(const Graph& graph, const SampleSource& samples, const EvaluationOptions& options) {
  if (samples.count < 1) throw UserError("there are no samples to evaluate on");
  SampleRunner runner(graph, samples, options);
  const std::optional<std::size_t> class_output = runner.class_output();
  const std::int64_t class_count = class_output ? class_count_of(graph, *class_output) : -1;
  if (class_count > 0) check_labels(samples, class_count);
  const std::vector<SampleResult> results = run_samples(runner, samples.count, options);

  Evaluation evaluation{
      .sample_count = samples.count, .samples = samples.description, .samples_sha256 = samples.sha256};
  if (class_output) evaluation.class_output = graph.name_of(graph.outputs()[*class_output]);
  const bool has_accuracy = class_output && samples.has_labels;
  if (has_accuracy)
    evaluation.accuracy = accuracy_of(results, samples, class_count, &SampleResult::label_rank);
  if (!options.reference) return evaluation;
  if (has_accuracy) {
    evaluation.reference_accuracy =
        accuracy_of(results, samples, class_count, &SampleResult::reference_label_rank);
    evaluation.top1_drop = top1_drop_of(results);
  }
  if (class_output) {
    evaluation.agreement = agreement_of(results);
    evaluation.divergence = divergence_of(results, options.seed);
    double energy = 0, noise = 0;
    for (const SampleResult& result : results) {
      energy += result.score_energy;
      noise += result.score_noise;
    }
    evaluation.score_sqnr_db = decibels(energy, noise);
  }
  for (std::size_t k = 0; k < runner.compared().size(); ++k)
    evaluation.outputs.push_back(
        closeness_of(results, k, graph.name_of(graph.outputs()[runner.compared()[k]]), options.seed));
  return evaluation;
}

}  // namespace edgeopt
