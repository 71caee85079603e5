// Wilson's score interval, Newcombe's paired difference, the percentile bootstrap.
#include "recipes/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/random.h"

namespace edgeopt {

Interval wilson_interval(std::int64_t successes, std::int64_t total) {
  const auto n = static_cast<double>(total);
  const double p = static_cast<double>(successes) / n;
  const double z2 = normal_quantile_975 * normal_quantile_975;
  const double center = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = normal_quantile_975 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {.value = p,
          .low = successes == 0 ? 0 : std::max(0.0, center - half),
          .high = successes == total ? 1 : std::min(1.0, center + half)};
}

namespace {

// The correlation of the two figures, with Newcombe's continuity correction where it is positive.
double correlation(const PairedCounts& counts) {
  const auto a = static_cast<double>(counts.both);
  const auto b = static_cast<double>(counts.only_first);
  const auto c = static_cast<double>(counts.only_second);
  const auto d = static_cast<double>(counts.neither);
  const double spread = (a + b) * (c + d) * (a + c) * (b + d);
  if (spread == 0) return 0;
  const double product = a * d - b * c;
  const double corrected = product > 0 ? std::max(0.0, product - (a + b + c + d) / 2) : product;
  return corrected / std::sqrt(spread);
}

// sqrt(x^2 - 2 phi x y + y^2)
double combined(double x, double y, double phi) {
  return std::sqrt(std::max(0.0, x * x - 2 * phi * x * y + y * y));
}

}  // namespace

Interval paired_difference(const PairedCounts& counts) {
  const std::int64_t total = counts.total();
  const Interval first = wilson_interval(counts.both + counts.only_first, total);
  const Interval second = wilson_interval(counts.both + counts.only_second, total);
  const double phi = correlation(counts);
  const double difference =
      static_cast<double>(counts.only_first - counts.only_second) / static_cast<double>(total);
  return {.value = difference,
          .low = difference - combined(first.value - first.low, second.high - second.value, phi),
          .high = difference + combined(second.value - second.low, first.high - first.value, phi)};
}

Interval bootstrap_interval(std::size_t count,
                            const std::function<double(const std::vector<std::size_t>&)>& statistic,
                            std::uint64_t seed) {
  // Efron and Tibshirani, section 13.3: at least 1000 for percentile intervals.
  constexpr std::size_t resample_count = 1000;
  std::vector<std::size_t> indices(count);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  const double value = statistic(indices);
  RandomStream stream(seed, "bootstrap");
  std::vector<double> resampled(resample_count);
  for (double& entry : resampled) {
    for (std::size_t& index : indices) index = static_cast<std::size_t>(stream.below(count));
    entry = statistic(indices);
  }
  std::sort(resampled.begin(), resampled.end());
  return {.value = value,
          .low = resampled[resample_count / 40],
          .high = resampled[resample_count - 1 - resample_count / 40]};
}

}  // namespace edgeopt
