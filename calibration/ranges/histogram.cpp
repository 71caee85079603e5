// Counting without branches: indices of a block by vector instructions, then four interleaved tables, so that
// equal neighbours (zeros after Relu) do not wait for each other's store.
#include "calibration/ranges/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::size_t block_size = 1024;
constexpr std::size_t bin_count = 2 * RangeHistogram::side_bins;
constexpr std::size_t table_count = 4;

/// What one pass over the elements tells; min and max only where all are finite.
struct Extent {
  float min = 0;
  float max = 0;
  bool is_finite = true;
};

Extent extent_of(std::span<const float> elements) {
  float min = std::numeric_limits<float>::infinity();
  float max = -min;
  float trace = 0;  // 0 * x is 0, but NaN for NaN and infinity
  const float* x = elements.data();
  const std::size_t count = elements.size();
#pragma omp simd reduction(min : min) reduction(max : max) reduction(+ : trace)
  for (std::size_t i = 0; i < count; ++i) {
    min = x[i] < min ? x[i] : min;
    max = x[i] > max ? x[i] : max;
    trace += x[i] * 0.0f;
  }
  // Adding 0 turns -0 into 0: which of the two a minimum returns would depend on the order.
  return {min + 0.0f, max + 0.0f, trace == 0};
}

/// The narrowest bins in which |x| fits: |x| < side_bins * 2^k.
int exponent_for(float magnitude) {
  static_assert(std::has_single_bit(static_cast<unsigned>(RangeHistogram::side_bins)));
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude < 2^exponent
  return std::max(RangeHistogram::lowest_exponent,
                  exponent - std::countr_zero(static_cast<unsigned>(RangeHistogram::side_bins)));
}

using Tables = std::array<std::array<std::uint32_t, bin_count>, table_count>;

/// trunc(x / width), one lower for negative x: the two bins at 0 hold (-width, 0) and [0, width).
void find_bins(const float* x, std::size_t count, float inverse_width, std::int32_t* bins) {
#pragma omp simd
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t below_zero = x[i] < 0 ? 1 : 0;
    bins[i] = static_cast<std::int32_t>(x[i] * inverse_width) - below_zero + RangeHistogram::side_bins;
  }
}

std::int64_t count_zeros(const float* x, std::size_t count) {
  std::int32_t zeros = 0;
#pragma omp simd reduction(+ : zeros)
  for (std::size_t i = 0; i < count; ++i) zeros += x[i] == 0 ? 1 : 0;
  return zeros;
}

void count_bins(const std::int32_t* bins, std::size_t count, Tables& tables) {
  std::size_t i = 0;
  for (; i + table_count <= count; i += table_count) {
    ++tables[0][static_cast<std::size_t>(bins[i])];
    ++tables[1][static_cast<std::size_t>(bins[i + 1])];
    ++tables[2][static_cast<std::size_t>(bins[i + 2])];
    ++tables[3][static_cast<std::size_t>(bins[i + 3])];
  }
  for (; i < count; ++i) ++tables[0][static_cast<std::size_t>(bins[i])];
}

/// Empties the tables in [first, last] into the bins.
void flush(Tables& tables, std::size_t first, std::size_t last, std::vector<std::int64_t>& bins) {
  for (std::array<std::uint32_t, bin_count>& table : tables)
    for (std::size_t i = first; i <= last; ++i) {
      bins[i] += table[i];
      table[i] = 0;
    }
}

/// Adding many small spans must not clear and walk 128 KiB of tables each; they stay zero between calls.
Tables& tables_of_this_thread() {
  thread_local Tables tables{};
  return tables;
}

}  // namespace

double RangeHistogram::bin_width() const { return std::ldexp(1.0, exponent_); }

void RangeHistogram::add(std::span<const float> elements) {
  // 32-bit tables overflow beyond 2^32 elements.
  constexpr std::size_t largest_piece = std::size_t{1} << 30;
  for (; elements.size() > largest_piece; elements = elements.subspan(largest_piece))
    add(elements.first(largest_piece));
  if (elements.empty()) return;
  if (const Extent extent = extent_of(elements); extent.is_finite) {
    count_finite(elements, extent.min, extent.max);
    return;
  }
  std::vector<float> finite;
  for (const float element : elements)
    if (std::isfinite(element)) finite.push_back(element);
  const auto lost = static_cast<std::int64_t>(elements.size() - finite.size());
  count_ += lost;
  nonfinite_count_ += lost;
  if (finite.empty()) return;
  const Extent extent = extent_of(finite);
  count_finite(finite, extent.min, extent.max);
}

void RangeHistogram::count_finite(std::span<const float> elements, float min, float max) {
  const bool is_first = count_ == nonfinite_count_;
  min_ = is_first ? min : std::min<double>(min_, min);
  max_ = is_first ? max : std::max<double>(max_, max);
  count_ += static_cast<std::int64_t>(elements.size());
  if (min == 0 && max == 0) {
    zero_count_ += static_cast<std::int64_t>(elements.size());
    return;
  }
  widen_to(exponent_for(std::max(-min, max)));
  const float inverse_width = std::ldexp(1.0f, -exponent_);
  Tables& tables = tables_of_this_thread();
  std::array<std::int32_t, block_size> bins;
  std::int64_t zeros = 0;
  for (std::size_t begin = 0; begin < elements.size(); begin += block_size) {
    const std::size_t size = std::min(block_size, elements.size() - begin);
    find_bins(elements.data() + begin, size, inverse_width, bins.data());
    count_bins(bins.data(), size, tables);
    zeros += count_zeros(elements.data() + begin, size);
  }
  std::array<float, 2> ends = {std::min(min, 0.0f), std::max(max, 0.0f)};
  std::array<std::int32_t, 2> end_bins;
  find_bins(ends.data(), 2, inverse_width, end_bins.data());
  flush(tables, static_cast<std::size_t>(end_bins[0]), static_cast<std::size_t>(end_bins[1]), bins_);
  bins_[side_bins] -= zeros;
  zero_count_ += zeros;
}

void RangeHistogram::widen_to(int exponent) {
  if (bins_.empty()) {
    bins_.assign(bin_count, 0);
    exponent_ = exponent;
  }
  for (; exponent_ < exponent; ++exponent_)
    for (std::size_t i = 0; i < side_bins; ++i) {
      const bool is_kept = i < side_bins / 2;
      std::int64_t& upper = bins_[side_bins + i];
      std::int64_t& lower = bins_[side_bins - 1 - i];
      upper = is_kept ? bins_[side_bins + 2 * i] + bins_[side_bins + 2 * i + 1] : 0;
      lower = is_kept ? bins_[side_bins - 1 - 2 * i] + bins_[side_bins - 2 - 2 * i] : 0;
    }
}

void RangeHistogram::merge(const RangeHistogram& other) {
  if (other.count_ == 0) return;
  const bool has_finite = count_ > nonfinite_count_;
  if (other.count_ > other.nonfinite_count_) {
    min_ = has_finite ? std::min(min_, other.min_) : other.min_;
    max_ = has_finite ? std::max(max_, other.max_) : other.max_;
  }
  count_ += other.count_;
  zero_count_ += other.zero_count_;
  nonfinite_count_ += other.nonfinite_count_;
  if (other.bins_.empty()) return;
  widen_to(other.exponent_);
  RangeHistogram widened = other;
  widened.widen_to(exponent_);
  for (std::size_t i = 0; i < bin_count; ++i) bins_[i] += widened.bins_[i];
}

RangeHistogram RangeHistogram::from_parts(Parts parts) {
  const bool has_bins = !parts.bins.empty();
  constexpr int highest_exponent = 128;  // of float's largest numbers
  if (has_bins && parts.bins.size() != bin_count)
    throw UserError(fmt::format("{} bins, but {} are expected", parts.bins.size(), bin_count));
  const bool is_negative =
      std::any_of(parts.bins.begin(), parts.bins.end(), [](std::int64_t n) { return n < 0; });
  const std::int64_t binned = std::accumulate(parts.bins.begin(), parts.bins.end(), std::int64_t{0});
  if (is_negative || parts.zero_count < 0 || parts.nonfinite_count < 0 ||
      binned + parts.zero_count + parts.nonfinite_count != parts.count)
    throw UserError(fmt::format("the counts of a histogram contradict its total of {}", parts.count));
  if (parts.exponent < lowest_exponent || parts.exponent > highest_exponent || !(parts.min <= parts.max) ||
      !std::isfinite(parts.max - parts.min))
    throw UserError(fmt::format("a histogram over [{}, {}] with bins of 2^{} is impossible", parts.min,
                                parts.max, parts.exponent));
  RangeHistogram histogram;
  histogram.count_ = parts.count;
  histogram.zero_count_ = parts.zero_count;
  histogram.nonfinite_count_ = parts.nonfinite_count;
  histogram.min_ = parts.min;
  histogram.max_ = parts.max;
  histogram.exponent_ = parts.exponent;
  histogram.bins_ = std::move(parts.bins);
  return histogram;
}

}  // namespace edgeopt
