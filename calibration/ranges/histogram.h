// Counts of a value's elements in fixed memory: bins of width 2^k, paired up when a larger element arrives.
//   element x  ->  bin trunc(|x| / 2^k) of its sign's side
// Bins of 2^k nest exactly in bins of 2^(k+1), so the histogram is a function of the multiset of elements
// alone: neither their order, nor how they were split between threads or files, shows in it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace edgeopt {

class RangeHistogram {
 public:
  /// Bins of each sign. A one-sided range uses at least half of them: 2048, eight for each level of int8.
  static constexpr int side_bins = 4096;
  /// The narrowest bins are 2^-100 wide: their inverse is still a float, and no activation is told apart
  /// below.
  static constexpr int lowest_exponent = -100;

  /// Counts elements; NaN and infinity are counted apart. cost: two passes over the elements
  void add(std::span<const float> elements);
  /// As if the other's elements had been added here.
  void merge(const RangeHistogram& other);

  /// All elements seen, the non-finite ones included.
  std::int64_t count() const { return count_; }
  /// Elements equal to 0; they stand in no bin, since every range represents 0 exactly.
  std::int64_t zero_count() const { return zero_count_; }
  std::int64_t nonfinite_count() const { return nonfinite_count_; }
  /// The smallest and largest finite element; 0 if there were none.
  double min() const { return min_; }
  double max() const { return max_; }
  double bin_width() const;
  int exponent() const { return exponent_; }
  /// [2 * side_bins], or empty if every element was 0: bin i holds (i - side_bins) * width <= x for the upper
  /// half, x <= (i + 1 - side_bins) * width for the lower.
  const std::vector<std::int64_t>& bins() const { return bins_; }

  /// A histogram from its parts, as a ranges file holds them.
  /// throws  UserError if they contradict each other
  struct Parts {
    std::int64_t count = 0, zero_count = 0, nonfinite_count = 0;
    double min = 0, max = 0;
    int exponent = lowest_exponent;
    std::vector<std::int64_t> bins;
  };
  static RangeHistogram from_parts(Parts parts);

  bool operator==(const RangeHistogram&) const = default;

 private:
  void widen_to(int exponent);
  void count_finite(std::span<const float> elements, float min, float max);

  std::int64_t count_ = 0, zero_count_ = 0, nonfinite_count_ = 0;
  double min_ = 0, max_ = 0;
  int exponent_ = lowest_exponent;
  std::vector<std::int64_t> bins_;
};

}  // namespace edgeopt
