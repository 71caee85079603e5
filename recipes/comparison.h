// Two models on the same inputs: how far apart are their outputs, relative to the output's own scale?
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "passes/framework/pipeline.h"

namespace edgeopt {

/// Largest difference accepted between a fused model and its original, relative to the output's largest
/// magnitude. Float rounding through a hundred layers of reordered sums stays below it (measured: 1e-6 to
/// 3e-5), a wrong rewrite does not.
inline constexpr double fused_tolerance = 1e-4;

/// Inputs and what the original answers to them.
struct ComparisonSet {
  std::vector<Tensors> inputs;
  std::vector<Tensors> expected;
  std::string description;                     // "2 seeded random inputs" or the samples' own
  std::optional<std::string> missing_because;  // why there is nothing to compare on; then the rest is empty
};

/// The first `count` samples of `source`, answered by `original`.
/// throws  UserError if the model cannot run on them
ComparisonSet comparison_on_samples(const Graph& original, const SampleSource& source, std::int64_t count);

/// `count` seeded random inputs. Axes without a size get 1 if they are the first, else the first size of a
/// few with which the model runs; equal symbols get equal sizes. A model that runs with none of them, or that
/// holds operators which edgeopt cannot run, gives a set with missing_because.
ComparisonSet comparison_on_random(const Graph& original, std::int64_t count, std::uint64_t seed);

/// The graph with sizes in place of the open axes of its inputs, with which it runs: those that
/// comparison_on_random finds. The graph as it is if all are given. throws UserError if it runs with none of
/// them
Graph with_runnable_sizes(const Graph& graph, std::uint64_t seed);

/// max |a - b| / max |a| over the elements of one output; 0 if both are equal (NaN equals NaN, an infinity
/// equals itself), infinity if types, shapes or non-finite elements differ.
double relative_error(const Tensor& expected, const Tensor& actual);

struct WorstDifference {
  double relative_error = 0;
  std::string output;  // where
};

/// The worst output of `graph` on the set.
WorstDifference compare_outputs(const ComparisonSet& set, const Graph& graph);

/// Refuses a pass after which an output differs from the original's by more than `tolerance`. From the first
/// lossy pass on nothing is refused: the numbers then differ on purpose.
PassCheck check_against(const ComparisonSet& set, double tolerance);

}  // namespace edgeopt
