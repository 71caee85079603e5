// The methods by name, min-max and percentile, and the search that the other two share.
#include "calibration/ranges/observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "calibration/ranges/range_methods.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::array<std::pair<std::string_view, ObserverMethod>, 4> methods = {
    {{"minmax", ObserverMethod::minmax},
     {"percentile", ObserverMethod::percentile},
     {"entropy", ObserverMethod::entropy},
     {"mse", ObserverMethod::mse}}};

constexpr int side = RangeHistogram::side_bins;

/// The distance from 0 up to which the bins masses[first], masses[first + step], ... hold all but `cut`.
double kept_extent(const std::vector<double>& masses, int first, int step, double cut) {
  double rest = 0;
  for (int i = side - 1; i >= 0; --i) {
    rest += masses[static_cast<std::size_t>(first + step * i)];
    if (rest > cut) return i + 1;
  }
  return 0;
}

}  // namespace

std::string_view name_of(ObserverMethod method) { return methods[static_cast<std::size_t>(method)].first; }

ObserverMethod observer_named(std::string_view name) {
  for (const auto& [known, method] : methods)
    if (known == name) return method;
  throw UserError(
      fmt::format("there is no observer '{}'; there are minmax, percentile, entropy and mse", name));
}

std::optional<Range> choose_range(const RangeHistogram& histogram, const ObserverOptions& options) {
  if (!(options.percentile > 0 && options.percentile <= 100))
    throw UserError(fmt::format("percentile is {}; it must be above 0 and at most 100", options.percentile));
  if (options.levels < 1) throw UserError(fmt::format("levels is {}; it must be at least 1", options.levels));
  if (histogram.count() == 0 || histogram.nonfinite_count() > 0) return std::nullopt;
  const Range observed = observed_range(histogram, options.is_symmetric);
  if (histogram.bins().empty()) return observed;
  const auto chosen = [&] {
    switch (options.method) {
      case ObserverMethod::percentile:
        return percentile_range(histogram, options);
      case ObserverMethod::entropy:
        return least_divergence_range(histogram, options);
      case ObserverMethod::mse:
        return least_squares_range(histogram, options);
      case ObserverMethod::minmax:
        break;
    }
    return observed;
  }();
  return Range{.min = std::max(chosen.min, observed.min), .max = std::min(chosen.max, observed.max)};
}

Range observed_range(const RangeHistogram& histogram, bool is_symmetric) {
  const double largest = std::max(-histogram.min(), histogram.max());
  if (is_symmetric) return {.min = -largest, .max = largest};
  return {.min = std::min(0.0, histogram.min()), .max = std::max(0.0, histogram.max())};
}

std::vector<double> bin_masses(const RangeHistogram& histogram, bool is_symmetric) {
  const std::vector<std::int64_t>& bins = histogram.bins();
  std::vector<double> masses(bins.begin(), bins.end());
  if (!is_symmetric) return masses;
  for (std::size_t i = 0; i < masses.size() / 2; ++i) {
    const std::size_t mirror = masses.size() - 1 - i;
    masses[i] = masses[mirror] = masses[i] + masses[mirror];
  }
  return masses;
}

Range percentile_range(const RangeHistogram& histogram, const ObserverOptions& options) {
  const bool is_one_sided = options.is_symmetric || histogram.min() >= 0 || histogram.max() <= 0;
  const double cut =
      static_cast<double>(histogram.count()) * (100 - options.percentile) / 100 / (is_one_sided ? 1 : 2);
  const std::vector<double> masses = bin_masses(histogram, options.is_symmetric);
  return {.min = 0 - kept_extent(masses, side - 1, -1, cut) * histogram.bin_width(),
          .max = kept_extent(masses, side, 1, cut) * histogram.bin_width()};
}

namespace {

// 2^(-i/8): 9 % apart. Down to 1/64 of what was observed; outliers beyond that need a look, not an observer.
constexpr int coarse_steps_per_octave = 8;
constexpr int coarse_step_count = 6 * coarse_steps_per_octave;
// Half the distance to the neighbours each time: 4 rounds end 0.5 % apart, the accuracy of a bin.
constexpr int refinement_count = 4;
// The ends of a two-sided range hardly depend on each other.
constexpr int round_count = 2;

/// The factor in (0, 1] of least loss; ties go to the larger.
double search_factor(const std::function<double(double)>& loss) {
  double best = 1;
  double best_loss = loss(1);
  const auto attempt = [&](double factor) {
    if (factor > 1) return;
    const double candidate = loss(factor);
    if (candidate < best_loss) {
      best_loss = candidate;
      best = factor;
    }
  };
  for (int i = 1; i <= coarse_step_count; ++i)
    attempt(std::exp2(-static_cast<double>(i) / coarse_steps_per_octave));
  for (int round = 1; round <= refinement_count; ++round) {
    const double ratio = std::exp2(std::ldexp(1.0 / coarse_steps_per_octave, -round));
    const double center = best;
    attempt(center * ratio);
    attempt(center / ratio);
  }
  return best;
}

}  // namespace

Range search_range(const Range& widest, bool is_symmetric, const std::function<double(const Range&)>& loss) {
  const auto scaled = [&](double lower, double upper) {
    return Range{.min = widest.min * lower, .max = widest.max * upper};
  };
  if (is_symmetric || widest.min == 0 || widest.max == 0) {
    const double factor = search_factor([&](double f) { return loss(scaled(f, f)); });
    return scaled(factor, factor);
  }
  double lower = 1;
  double upper = 1;
  for (int round = 0; round < round_count; ++round) {
    upper = search_factor([&](double f) { return loss(scaled(lower, f)); });
    lower = search_factor([&](double f) { return loss(scaled(f, upper)); });
  }
  return scaled(lower, upper);
}

}  // namespace edgeopt
