// Confidence intervals: how sure a measured figure is.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace edgeopt {

/// A figure and its 95 % confidence interval.
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

/// The 97.5 % point of the standard normal distribution.
constexpr double normal_quantile_975 = 1.959963984540054;

/// successes / total, by the score interval. total > 0
/// source  Wilson, "Probable inference, the law of succession, and statistical inference", 1927
Interval wilson_interval(std::int64_t successes, std::int64_t total);

/// How two yes-or-no figures of the same samples go together.
struct PairedCounts {
  std::int64_t both = 0;
  std::int64_t only_first = 0;
  std::int64_t only_second = 0;
  std::int64_t neither = 0;
  std::int64_t total() const { return both + only_first + only_second + neither; }
};

/// The first proportion minus the second, on the same samples. total > 0
/// source  Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
///         paired data", Statistics in Medicine 1998, method 10
Interval paired_difference(const PairedCounts& counts);

/// statistic(all indices), with the interval between the 2.5 % and 97.5 % points over resampled indices.
/// count  samples, > 0
/// source Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile interval)
Interval bootstrap_interval(std::size_t count,
                            const std::function<double(const std::vector<std::size_t>&)>& statistic,
                            std::uint64_t seed);

}  // namespace edgeopt
