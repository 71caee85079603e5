// E = sum over levels q of the integral of (x - q)^2 over the cell that rounds to q; the outermost cells
// reach to infinity, which is clipping. Moments of the histogram (elements spread evenly in their bin) give
// each cell in one step.
#include <cmath>

#include "calibration/ranges/range_methods.h"

namespace edgeopt {
namespace {

/// Integrals of 1, x and x^2 over the elements below some point.
struct Moments {
  double mass = 0, first = 0, second = 0;
};

class SquaredError {
 public:
  SquaredError(const RangeHistogram& histogram, const ObserverOptions& options)
      : masses_(bin_masses(histogram, options.is_symmetric)),
        width_(histogram.bin_width()),
        levels_(options.levels) {
    for (std::size_t i = 0; i < masses_.size(); ++i)
      before_.push_back(plus(before_.back(), part_of_bin(i, 1)));
  }

  double operator()(const Range& range) const {
    const double scale = (range.max - range.min) / levels_;
    // As deployed: 0 lies on a level, so the range moves by up to half a step.
    const double zero_point = std::round(-range.min / scale);
    Moments below;
    double error = 0;
    for (int level = 0; level <= levels_; ++level) {
      const double value = (level - zero_point) * scale;
      const Moments above = level == levels_ ? before_.back() : moments_below(value + scale / 2);
      error += squared_distance(below, above, value);
      below = above;
    }
    return error;
  }

 private:
  /// The lowest `fraction` of bin i: its elements lie evenly between the edges.
  Moments part_of_bin(std::size_t i, double fraction) const {
    const double low = (static_cast<double>(i) - RangeHistogram::side_bins) * width_;
    const double length = fraction * width_;
    const double mass = masses_[i] * fraction;
    const double middle = low + length / 2;
    return {mass, mass * middle, mass * (middle * middle + length * length / 12)};
  }
  static Moments plus(const Moments& a, const Moments& b) {
    return {a.mass + b.mass, a.first + b.first, a.second + b.second};
  }
  Moments moments_below(double x) const {
    const double position = x / width_ + RangeHistogram::side_bins;
    if (position <= 0) return {};
    if (position >= static_cast<double>(masses_.size())) return before_.back();
    const auto bin = static_cast<std::size_t>(position);
    return plus(before_[bin], part_of_bin(bin, position - static_cast<double>(bin)));
  }
  static double squared_distance(const Moments& below, const Moments& above, double value) {
    const double mass = above.mass - below.mass;
    return above.second - below.second - 2 * value * (above.first - below.first) + value * value * mass;
  }

  std::vector<double> masses_;
  double width_;
  int levels_;
  std::vector<Moments> before_ = {{}};  // [i]: all bins below bin i
};

}  // namespace

Range least_squares_range(const RangeHistogram& histogram, const ObserverOptions& options) {
  // Beyond 10 bits rounding is below a thousandth of clipping: nothing is gained by clipping.
  constexpr int most_levels = 1023;
  const Range observed = observed_range(histogram, options.is_symmetric);
  if (options.levels > most_levels) return observed;
  return search_range(observed, options.is_symmetric, SquaredError(histogram, options));
}

}  // namespace edgeopt
