// One function per method of observer.h, and what they share. All expect a histogram with bins.
#pragma once
#include <functional>
#include <vector>

#include "calibration/ranges/observer.h"

namespace edgeopt {

/// [min, max], widened to 0, or to [-t, t].
Range observed_range(const RangeHistogram& histogram, bool is_symmetric);

/// Cuts the rarest (100 - percentile) percent: half on each side, all on one side if the other is empty, by
/// magnitude if symmetric.
Range percentile_range(const RangeHistogram& histogram, const ObserverOptions& options);

/// The range whose quantized histogram has the smallest Kullback-Leibler divergence from the clipped
/// original. source  Migacz, "8-bit Inference with TensorRT", GTC 2017
Range least_divergence_range(const RangeHistogram& histogram, const ObserverOptions& options);

/// The range with the least expected squared error of clipping and rounding together.
/// source  Banner et al., "Post training 4-bit quantization of convolutional networks for rapid-deployment",
///         NeurIPS 2019; here measured on the histogram instead of on a fitted distribution
Range least_squares_range(const RangeHistogram& histogram, const ObserverOptions& options);

/// The range of least loss among shrunk copies of `widest`: each end on a geometric grid, then closer around
/// the best; both ends in turn where they are free.
Range search_range(const Range& widest, bool is_symmetric, const std::function<double(const Range&)>& loss);

/// The bins as they lie on the number line, from -side_bins * width to side_bins * width. For a symmetric
/// range both of a pair of mirrored bins hold what the two held together.
std::vector<double> bin_masses(const RangeHistogram& histogram, bool is_symmetric);

}  // namespace edgeopt
