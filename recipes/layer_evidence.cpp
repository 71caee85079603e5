#include "recipes/layer_evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace edgeopt {
namespace {

double decibels(double signal, double noise) {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

template <typename T>
void add(std::vector<T>& sums, const std::vector<T>& more) {
  if (sums.empty()) sums.resize(more.size());
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
}

// A quarter of them beyond either end of the range; enough to see where the bulk of the values lies.
constexpr std::size_t histogram_step_count = 64;

OutputHistogram empty_histogram(const Range& range) {
  const double margin = (range.max - range.min) / 2;
  if (!(margin > 0) || !std::isfinite(margin)) return {};  // stays in float, or holds one number alone
  return {range.min - margin, range.max + margin, std::vector<std::int64_t>(histogram_step_count)};
}

void count(OutputHistogram& histogram, double x) {
  if (histogram.counts.empty() || std::isnan(x)) return;
  const double place = (x - histogram.low) / (histogram.high - histogram.low);
  const double last = static_cast<double>(histogram.counts.size()) - 1;
  ++histogram.counts[static_cast<std::size_t>(std::clamp(std::floor(place * (last + 1)), 0.0, last))];
}

}  // namespace

LayerSums sum_output(const Tensor& teacher, const Tensor& student, int axis, const Range& range) {
  const Dims& dims = teacher.dims();
  const bool has_channels = axis >= 0 && static_cast<std::size_t>(axis) < dims.size();
  const std::int64_t channels = has_channels ? dims[static_cast<std::size_t>(axis)] : 1;
  std::int64_t inner = 1;
  for (std::size_t i = has_channels ? static_cast<std::size_t>(axis) + 1 : 0; i < dims.size(); ++i)
    inner *= dims[i];
  LayerSums sums{.signal = std::vector<double>(static_cast<std::size_t>(channels)),
                 .noise = std::vector<double>(static_cast<std::size_t>(channels)),
                 .element_count = teacher.element_count(),
                 .histogram = empty_histogram(range)};
  const std::span<const float> expected = teacher.data<float>();
  const std::span<const float> found = student.data<float>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double x = static_cast<double>(expected[i]);
    const double error = x - static_cast<double>(found[i]);
    const auto channel = static_cast<std::size_t>((static_cast<std::int64_t>(i) / inner) % channels);
    sums.signal[channel] += x * x;
    sums.noise[channel] += error * error;
    if (x < range.min || x > range.max) ++sums.clipped_count;
    count(sums.histogram, x);
  }
  return sums;
}

LayerEvidence evidence_of(const std::vector<LayerSums>& samples) {
  LayerSums total;
  for (const LayerSums& sample : samples) {
    add(total.signal, sample.signal);
    add(total.noise, sample.noise);
    total.clipped_count += sample.clipped_count;
    total.element_count += sample.element_count;
    total.histogram.low = sample.histogram.low;
    total.histogram.high = sample.histogram.high;
    add(total.histogram.counts, sample.histogram.counts);
  }
  LayerEvidence evidence{.sqnr_db = decibels(std::accumulate(total.signal.begin(), total.signal.end(), 0.0),
                                             std::accumulate(total.noise.begin(), total.noise.end(), 0.0))};
  evidence.histogram = std::move(total.histogram);
  if (total.element_count > 0)
    evidence.clipped_share =
        static_cast<double>(total.clipped_count) / static_cast<double>(total.element_count);
  // A channel with less than a hundredth of the mean energy (or none at all) has little to say and always
  // looks noisy.
  const double faint = std::accumulate(total.signal.begin(), total.signal.end(), 0.0) /
                       (100.0 * static_cast<double>(total.signal.size()));
  for (std::size_t c = 0; total.signal.size() > 1 && c < total.signal.size(); ++c) {
    if (total.signal[c] <= faint) continue;
    const double sqnr_db = decibels(total.signal[c], total.noise[c]);
    if (evidence.worst_channel >= 0 && sqnr_db >= evidence.worst_channel_sqnr_db) continue;
    evidence.worst_channel = static_cast<std::int64_t>(c);
    evidence.worst_channel_sqnr_db = sqnr_db;
  }
  return evidence;
}

}  // namespace edgeopt
