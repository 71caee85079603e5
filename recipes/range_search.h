// Ranges chosen by what they do to the model's outputs, not by what they cut off where they lie.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"
#include "passes/quantization_plan.h"
#include "support/progress.h"

namespace edgeopt {

struct RangeSearchOptions {
  std::int64_t largest_sample_count = 256;
  /// What is kept of the samples between two scales, about; more samples are run in several rounds.
  std::int64_t largest_memory_bytes = std::int64_t{256} << 20;
  Progress progress = {};
};

/// One scale that was looked at.
struct SearchedScale {
  std::string value;       // the first that has it
  double factor = 1;       // on the range that was given
  double loss_before = 0;  // mean of OutputLoss::loss with this scale alone rounded
  double loss_after = 0;
};

struct SearchedRanges {
  Graph graph;
  std::vector<SearchedScale> scales;  // in the order of the graph
};

/// The graph with each activation scale's range multiplied by that of a few factors which lets the outputs
/// lose least (recipes/output_loss.h) when this scale alone is rounded and everything else is float. Scores
/// of classes and scales decided ahead (Value::quantization) stay.
///
/// ranged   float, types inferred; what is rounded, and which values share a scale, is what `plan` says of it
/// widest   the same graph with the whole ranges that were seen: none grows beyond them
/// returns  the same at any thread count
/// throws   UserError if no output is a float tensor, or a sample cannot be run
/// source   Nahshan et al., "Loss aware post-training quantization", Machine Learning 110, 2021, who search
/// all
///          scales together; one at a time, each is measured without the noise of the others
SearchedRanges search_ranges(const Graph& ranged, const Graph& widest, const QuantizationPlan& plan,
                             const SampleSource& samples, const RangeSearchOptions& options);

}  // namespace edgeopt
