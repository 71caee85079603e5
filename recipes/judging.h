// An evaluation told as a list of metrics: value, 95 % confidence interval, paired difference.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "recipes/evaluation.h"
#include "support/progress.h"

namespace edgeopt {

/// One metric on both models; `difference` is result minus original on the same samples.
struct Metric {
  std::string name;  // "top1", "agreement", "sqnr", ...
  std::string unit;  // "percent", "dB", "nats" or ""
  std::optional<Interval> original;
  std::optional<Interval> result;
  std::optional<Interval> difference;
};

struct Judgement {
  std::int64_t sample_count = 0;
  std::vector<Metric> metrics;

  /// Null if it was not measured.
  const Metric* find(const std::string& name) const;
};

/// Runs both models on every sample: top-1 and top-5 where there are labels, agreement of the top class, SQNR
/// and cosine of the outputs.
/// throws  UserError if a sample cannot be read or run, or a label is out of range
Judgement judge_models(const Graph& original, const Graph& result, const SampleSource& samples,
                       const EvaluationOptions& options);

/// An evaluation as metrics; proportions in percent.
Judgement judgement_of(const Evaluation& evaluation);

}  // namespace edgeopt
