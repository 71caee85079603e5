// Runs the samples once and learns the range of every value of interest.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "calibration/ranges/histogram.h"
#include "calibration/ranges/observer.h"
#include "calibration/samples/samples.h"
#include "ir/graph.h"

namespace edgeopt {

struct CalibrationOptions {
  ObserverOptions observer;
  /// Which values to observe, of those that are floating-point activations; all if empty. The fewer, the
  /// faster: a value that is looked at cannot be fused away.
  std::function<bool(const Graph&, const Value&)> is_wanted;
  /// Told after every sample, by one thread at a time.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

struct ObservedValue {
  std::string name;
  RangeHistogram histogram;
  bool operator==(const ObservedValue&) const = default;
};

/// What was seen of a graph's values.
struct Observations {
  std::int64_t sample_count = 0;
  std::vector<ObservedValue> values;  // in the order of the graph's values
  bool operator==(const Observations&) const = default;
};

/// Reads every sample once and counts the values of interest: graph inputs and results of nodes.
/// returns  the same at any thread count
/// throws   UserError if a sample cannot be read or run
/// cost     one histogram (64 KiB) per value and the values of one sample per thread, whatever the sample
/// count
Observations observe_values(const Graph& graph, const SampleSource& samples,
                            const CalibrationOptions& options);

/// The graph with the range that `observer` chooses from what was seen on every value that has one. Values
/// that were ever NaN or infinite get none. throws UserError if an observed value is not in the graph
Graph with_chosen_ranges(const Graph& graph, const Observations& observations,
                         const ObserverOptions& observer);

/// Both in one: the graph with ranges learned from the samples.
Graph with_ranges(const Graph& graph, const SampleSource& samples, const CalibrationOptions& options);

}  // namespace edgeopt
