// What can be seen at a quantized layer itself: how noisy its output is, which channel most, how much was cut
// off.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// How many elements fell into each of the equal steps from `low` to `high`; those outside are in the first
/// and the last.
struct OutputHistogram {
  double low = 0, high = 0;
  std::vector<std::int64_t> counts;
};

/// Figures of one layer; decibels are 10 log10(signal / noise), infinite without noise.
struct LayerEvidence {
  double sqnr_db = 0;               // of its output, its own weights and activations alone quantized
  double clipped_share = 0;         // of its output's elements, those beyond the range
  Range range;                      // of its output
  std::int64_t worst_channel = -1;  // the least sqnr; -1: the output has no channels
  double worst_channel_sqnr_db = 0;
  /// Of its output in float, half the range beyond either end; empty if the output stays in float.
  OutputHistogram histogram;
};

/// One sample's sums over a layer's output.
struct LayerSums {
  std::vector<double> signal;  // per channel
  std::vector<double> noise;
  std::int64_t clipped_count = 0;
  std::int64_t element_count = 0;
  OutputHistogram histogram;
};

/// axis   of the channels; -1: all elements are one
/// range  what the output's integers can express; elements beyond it count as clipped
LayerSums sum_output(const Tensor& teacher, const Tensor& student, int axis, const Range& range);

/// The figures of the samples' sums, in their order.
LayerEvidence evidence_of(const std::vector<LayerSums>& samples);

}  // namespace edgeopt
