// How good a model is on samples: accuracy where there are labels, closeness where there is a reference.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "recipes/statistics.h"

namespace edgeopt {

struct EvaluationOptions {
  /// The original to compare with, on the same samples; null: none. Its inputs must be the model's.
  const Graph* reference = nullptr;
  /// Of the bootstrap intervals.
  std::uint64_t seed = 1;
  /// Told after every sample, by one thread at a time.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

struct ClassAccuracy {
  std::int64_t label = 0;
  std::int64_t sample_count = 0;
  std::int64_t correct_count = 0;
  bool operator==(const ClassAccuracy&) const = default;
};

/// Accuracy of one model. Proportions are in [0, 1].
struct Accuracy {
  Interval top1;
  std::optional<Interval> top5;          // where there are more than 5 classes
  std::vector<ClassAccuracy> per_class;  // classes that have samples, by label
  bool operator==(const Accuracy&) const = default;
};

/// How close one output is to the reference's.
struct OutputCloseness {
  std::string output;
  Interval sqnr_db;  // 10 log10(sum ref^2 / sum (ref - x)^2) over all samples; infinite if equal
  Interval cosine;   // mean over the samples
  std::int64_t nonfinite_count = 0;  // elements of the model's output that are NaN or infinite
  bool operator==(const OutputCloseness&) const = default;
};

struct Evaluation {
  std::int64_t sample_count = 0;
  std::string samples;
  std::string samples_sha256;
  /// The output whose largest element is the class; empty if the model is no classifier.
  std::string class_output;
  std::optional<Accuracy> accuracy;            // with labels
  std::optional<Accuracy> reference_accuracy;  // with labels and a reference
  /// Top-1 of the reference minus top-1 of the model, paired: positive is a loss.
  std::optional<Interval> top1_drop;
  std::optional<Interval> agreement;  // same class as the reference
  /// Mean over the samples of KL(reference || model) between the distributions over classes, in nats.
  std::optional<Interval> divergence;
  /// SQNR of the logarithms of the probabilities around their mean, over all samples: of the scores behind a
  /// Softmax, too.
  std::optional<double> score_sqnr_db;
  std::vector<OutputCloseness> outputs;  // with a reference; floating-point outputs
  bool operator==(const Evaluation&) const = default;
};

/// Runs every sample through the model (and the reference) once.
/// returns  the same at any thread count
/// throws   UserError: samples that cannot be read or run, labels outside the classes, a reference with other
///          inputs or outputs
/// cost     a few numbers per sample and output are kept
Evaluation evaluate_model(const Graph& graph, const SampleSource& samples,
                          const EvaluationOptions& options = {});

}  // namespace edgeopt
