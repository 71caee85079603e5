// KL(P||Q) = sum P log(P/Q): P the histogram clipped to the range, what is beyond added at the ends; Q the
// part inside, quantized: every level's mass spread evenly over its non-empty bins. Q is constant within a
// level, so prefix sums of n, [n > 0] and n log n give the divergence of a candidate in one step per level.
#include <algorithm>
#include <cmath>
#include <limits>

#include "calibration/ranges/range_methods.h"

namespace edgeopt {
namespace {

double mass_log(double mass) { return mass > 0 ? mass * std::log(mass) : 0; }

class Divergence {
 public:
  Divergence(const RangeHistogram& histogram, const ObserverOptions& options)
      : masses_(bin_masses(histogram, options.is_symmetric)),
        width_(histogram.bin_width()),
        levels_(options.levels) {
    for (const double mass : masses_) {
      mass_before_.push_back(mass_before_.back() + mass);
      occupied_before_.push_back(occupied_before_.back() + (mass > 0 ? 1 : 0));
      mass_log_before_.push_back(mass_log_before_.back() + mass_log(mass));
    }
  }

  double operator()(const Range& range) const {
    const std::size_t first = bin_below(range.min);
    const std::size_t last = bin_above(range.max);
    const double inside = mass_before_[last] - mass_before_[first];
    // With a bin per level nothing would seem lost: narrower ranges than the histogram resolves are not
    // judged.
    const bool is_resolved = last - first > static_cast<std::size_t>(levels_);
    if (inside <= 0 || !is_resolved) return std::numeric_limits<double>::infinity();
    // sum over P of n log n, and of n log(level mass / occupied bins of the level)
    double own = mass_log_before_[last] - mass_log_before_[first];
    double crossed = 0;
    for (std::size_t level = 0; level < cell_count(first, last); ++level)
      crossed += crossed_mass(cell_begin(first, last, level), cell_begin(first, last, level + 1));
    // What lies beyond is added to the outermost occupied bins, where quantization saturates.
    own += moved_mass(outermost_occupied(first, last, false), mass_before_[first], first, last, crossed);
    own += moved_mass(outermost_occupied(first, last, true), mass_before_.back() - mass_before_[last], first,
                      last, crossed);
    const double total = mass_before_.back();
    return (own - crossed) / total - std::log(total) + std::log(inside);
  }

 private:
  // The range ends at bin edges: the nearest ones that leave the observed ends inside.
  std::size_t bin_below(double x) const {
    return static_cast<std::size_t>(std::max(0.0, std::floor(x / width_) + RangeHistogram::side_bins));
  }
  std::size_t bin_above(double x) const {
    const double bin = std::ceil(x / width_) + RangeHistogram::side_bins;
    return static_cast<std::size_t>(std::min(bin, static_cast<double>(masses_.size())));
  }
  std::size_t cell_count(std::size_t first, std::size_t last) const {
    return std::min(last - first, static_cast<std::size_t>(levels_) + 1);
  }
  std::size_t cell_begin(std::size_t first, std::size_t last, std::size_t level) const {
    return first + level * (last - first) / cell_count(first, last);
  }
  double level_mean(std::size_t begin, std::size_t end) const {
    const double occupied = occupied_before_[end] - occupied_before_[begin];
    return occupied > 0 ? (mass_before_[end] - mass_before_[begin]) / occupied : 0;
  }
  double crossed_mass(std::size_t begin, std::size_t end) const {
    const double mean = level_mean(begin, end);
    return mean > 0 ? (mass_before_[end] - mass_before_[begin]) * std::log(mean) : 0;
  }
  std::size_t outermost_occupied(std::size_t first, std::size_t last, bool is_upper) const {
    std::size_t bin = is_upper ? last - 1 : first;
    while (masses_[bin] == 0) is_upper ? --bin : ++bin;
    return bin;
  }
  /// What `own` gains when `extra` joins the bin; adds to `crossed` what it gains.
  double moved_mass(std::size_t bin, double extra, std::size_t first, std::size_t last,
                    double& crossed) const {
    if (extra <= 0) return 0;
    const std::size_t cells = cell_count(first, last);
    std::size_t level = (bin - first) * cells / (last - first);
    while (cell_begin(first, last, level + 1) <= bin) ++level;
    crossed +=
        extra * std::log(level_mean(cell_begin(first, last, level), cell_begin(first, last, level + 1)));
    return mass_log(masses_[bin] + extra) - mass_log(masses_[bin]);
  }

  std::vector<double> masses_;
  double width_;
  int levels_;
  std::vector<double> mass_before_ = {0};
  std::vector<double> occupied_before_ = {0};
  std::vector<double> mass_log_before_ = {0};
};

}  // namespace

Range least_divergence_range(const RangeHistogram& histogram, const ObserverOptions& options) {
  return search_range(observed_range(histogram, options.is_symmetric), options.is_symmetric,
                      Divergence(histogram, options));
}

}  // namespace edgeopt
