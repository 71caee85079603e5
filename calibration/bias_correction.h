// Takes out the mean error that quantization puts on every channel.
#pragma once
#include <cstdint>
#include <functional>

#include "calibration/samples/samples.h"
#include "ir/graph.h"

namespace edgeopt {

struct BiasCorrectionOptions {
  /// Samples used at most; the mean of a channel is known well enough long before.
  std::int64_t largest_sample_count = 256;
  /// Intermediate values kept at most; fewer samples are used when they would take more.
  std::int64_t largest_memory_bytes = std::int64_t{128} << 20;
  /// Called after every layer with how many are done and how many there are.
  std::function<void(std::int64_t done, std::int64_t count)> progress = {};
};

/// The student with biases changed so that every channel of every integer layer has the mean that it has in
/// the teacher.
///
/// Sequential and exact: layers are corrected in order, each on what the corrected layers before it really
/// give; one run through the student in pieces, not one run per layer. teacher  the float graph that
/// `student` was made from; values are matched by name student  Q/DQ graph; a layer without a bias gets one
/// returns  the corrected student; the same bytes at any thread count
/// source   Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV
/// 2019, section 4.2,
///          with measured instead of derived means
Graph with_corrected_biases(const Graph& teacher, const Graph& student, const SampleSource& samples,
                            const BiasCorrectionOptions& options = {});

}  // namespace edgeopt
