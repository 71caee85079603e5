// The charts of a report, from the facts that its tables show.
#pragma once
#include "recipes/optimize.h"
#include "reports/chart.h"
#include "reports/report.h"

namespace edgeopt {

/// File, latency and memory, original and result.
BarChart size_chart(const Report& report);
/// How often a run took how long.
HistogramChart latency_chart(const Report& report);
/// Metrics in percent with their intervals.
IntervalChart accuracy_chart(const AccuracyFacts& accuracy);

/// The most harmful layers, at most `row_count`.
BarChart damage_chart(const Sensitivity& sensitivity, std::size_t row_count);
/// Where the values of the most harmful layer lie, and the ends of the range that its integers have.
HistogramChart range_chart(const Sensitivity& sensitivity);
/// What is left of the channels of each group that lost some.
BarChart channel_chart(const PruningFacts& pruning);
/// Zeros among the weights of each layer; empty if all have the same share.
BarChart zero_chart(const SparsityFacts& sparsity);
/// Loss by step.
LineChart learning_chart(const LearningFacts& learning);

}  // namespace edgeopt
