// The expected noise of one group of channels as a function of the logarithms of their factors, and where it
// is least.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace edgeopt {

/// All channels of an activation share one scale.
struct ActivationNoise {
  double step_square = 0;      // of the noise on a range of 1
  std::vector<double> ranges;  // by unit; 0: not in this activation, or always 0
  std::vector<double> gains;   // by unit: noise at the readers' outputs for noise of 1
};

/// All weights of one output share one scale.
struct WeightNoise {
  struct Entry {
    std::int32_t unit = 0;
    double magnitude = 0;  // of the channel's largest weight
    double power = 0;      // mean square of what the channel's weights read, summed
  };
  double step_square = 0;      // of the noise on a largest weight of 1, times how much the output matters
  double fixed_magnitude = 0;  // of the largest weight on channels without a factor
  double fixed_power = 0;
  std::vector<Entry> entries;
};

struct EqualizationNoise {
  std::size_t unit_count = 0;
  std::vector<ActivationNoise> activations;
  std::vector<WeightNoise> weights;
  /// Of a Clip: factors must be at most 1 and leave ranges below it.
  double bound = std::numeric_limits<double>::infinity();

  /// The noise power; with the p-norm instead of each maximum where p > 0 (a power of 2). Derivatives by the
  /// logarithms are added to `gradient` if it is not empty.
  double power(std::span<const double> log_factors, int p, std::span<double> gradient) const;
};

/// The logarithms of the factors with the least noise that was found; all 0 if that gains little. The largest
/// range stays as it is, or fills the bound.
std::vector<double> quietest_log_factors(const EqualizationNoise& noise);

}  // namespace edgeopt
