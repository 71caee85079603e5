// KL(P||Q) = sum P log(P/Q): P the histogram clipped to the range, what is beyond added at the ends; Q the
// part inside, quantized: every level's mass spread evenly over its non-empty bins. Q is constant within a
// level, so prefix sums of n, [n > 0] and n log n give the divergence of a candidate in one step per level.
#include <algorithm>
#include <cmath>
#include <limits>

#include "calibration/range_methods.h"

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
    const Cells cells = cells_of(range);
    const double inside = mass_before_[cells.last] - mass_before_[cells.first];
    // With a bin per level nothing would seem lost: narrower ranges than the histogram resolves are not
    // judged.
    const bool is_resolved = cells.last - cells.first > static_cast<std::size_t>(levels_);
    if (inside <= 0 || !is_resolved) return std::numeric_limits<double>::infinity();
    Terms terms{.own = mass_log_before_[cells.last] - mass_log_before_[cells.first]};
    for (std::size_t level = 0; level < cells.count; ++level) {
      const double mean = level_mean(cells, level);
      if (mean > 0)
        terms.crossed +=
            (mass_before_[cells.begin(level + 1)] - mass_before_[cells.begin(level)]) * std::log(mean);
    }
    // What lies beyond joins the outermost occupied bins, where quantization saturates.
    std::size_t lowest = cells.first;
    while (masses_[lowest] == 0) ++lowest;
    std::size_t highest = cells.last - 1;
    while (masses_[highest] == 0) --highest;
    join(cells, lowest, mass_before_[cells.first], terms);
    join(cells, highest, mass_before_.back() - mass_before_[cells.last], terms);
    const double total = mass_before_.back();
    return (terms.own - terms.crossed) / total - std::log(total) + std::log(inside);
  }

 private:
  /// The bins [first, last) of a range, cut into `count` cells, one per level.
  struct Cells {
    std::size_t first = 0, last = 0, count = 1;
    std::size_t begin(std::size_t level) const { return first + level * (last - first) / count; }
  };
  /// The sums over P of n log n and of n log(mean of the level).
  struct Terms {
    double own = 0, crossed = 0;
  };

  // The range ends at bin edges: the nearest ones that leave its ends inside.
  Cells cells_of(const Range& range) const {
    const double low = std::floor(range.min / width_) + RangeHistogram::side_bins;
    const double high = std::ceil(range.max / width_) + RangeHistogram::side_bins;
    Cells cells{.first = static_cast<std::size_t>(std::max(0.0, low)),
                .last = static_cast<std::size_t>(std::min(high, static_cast<double>(masses_.size())))};
    cells.count = std::clamp<std::size_t>(cells.last - cells.first, 1, static_cast<std::size_t>(levels_) + 1);
    return cells;
  }
  /// Q's mass in each occupied bin of a level.
  double level_mean(const Cells& cells, std::size_t level) const {
    const std::size_t begin = cells.begin(level);
    const std::size_t end = cells.begin(level + 1);
    const double occupied = occupied_before_[end] - occupied_before_[begin];
    return occupied > 0 ? (mass_before_[end] - mass_before_[begin]) / occupied : 0;
  }
  void join(const Cells& cells, std::size_t bin, double extra, Terms& terms) const {
    if (extra <= 0) return;
    std::size_t level = (bin - cells.first) * cells.count / (cells.last - cells.first);
    while (cells.begin(level + 1) <= bin) ++level;
    terms.own += mass_log(masses_[bin] + extra) - mass_log(masses_[bin]);
    terms.crossed += extra * std::log(level_mean(cells, level));
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
