// The histogram is a function of the multiset of elements, whatever their order, pieces and threads.
#include "calibration/ranges/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "support/error.h"
#include "support/parallel.h"
#include "support/random.h"

namespace edgeopt {
namespace {

constexpr int side = RangeHistogram::side_bins;

RangeHistogram histogram_of(std::span<const float> elements) {
  RangeHistogram histogram;
  histogram.add(elements);
  return histogram;
}

/// Normal numbers of growing size, zeros of both signs, powers of two on bin edges, denormals.
std::vector<float> mixed_elements(std::size_t count) {
  RandomStream stream(1, "histogram");
  std::vector<float> elements;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = static_cast<float>(stream.normal() * std::exp2(static_cast<double>(i % 40) - 30));
    elements.push_back(i % 7 == 0 ? 0.0f : i % 11 == 0 ? -0.0f : x);
    if (i % 13 == 0) elements.back() = std::ldexp(i % 2 ? -1.0f : 1.0f, static_cast<int>(i % 60) - 50);
    if (i % 17 == 0) elements.back() = std::numeric_limits<float>::denorm_min() * (i % 2 ? -3 : 3);
  }
  return elements;
}

/// Where one element belongs in bins of this width, by the definition.
std::size_t bin_of(float x, double width) {
  const auto magnitude = static_cast<std::size_t>(std::trunc(std::abs(static_cast<double>(x)) / width));
  return x < 0 ? side - 1 - magnitude : side + magnitude;
}

TEST_CASE("elements stand in the bin of their sign and magnitude, zeros in none") {
  const RangeHistogram histogram = histogram_of(std::vector<float>{0.0f, -0.0f, 1.0f, 1.5f, -1.0f, -0.25f});
  CHECK(histogram.count() == 6);
  CHECK(histogram.zero_count() == 2);
  CHECK(histogram.min() == -1);
  CHECK(histogram.max() == 1.5);
  CHECK(histogram.bin_width() == 2.0 / side);  // 1.5 < 2
  CHECK(histogram.bins()[side + side / 2] == 1);
  CHECK(histogram.bins()[side + side / 4 * 3] == 1);
  CHECK(histogram.bins()[side - 1 - side / 2] == 1);
  CHECK(histogram.bins()[side - 1 - side / 8] == 1);
}

TEST_CASE("every bin holds what the definition puts there") {
  const std::vector<float> elements = mixed_elements(5000);
  const RangeHistogram histogram = histogram_of(elements);
  std::vector<std::int64_t> expected(2 * side);
  for (const float x : elements)
    if (x != 0) ++expected[bin_of(x, histogram.bin_width())];
  CHECK(histogram.bins() == expected);
}

TEST_CASE("order and pieces do not show") {
  std::vector<float> elements = mixed_elements(3001);
  const RangeHistogram whole = histogram_of(elements);
  RangeHistogram one_by_one;
  for (const float& x : elements) one_by_one.add({&x, 1});
  CHECK(one_by_one == whole);
  std::sort(elements.begin(), elements.end());
  CHECK(histogram_of(elements) == whole);
  RangeHistogram backwards;
  for (std::size_t i = elements.size(); i-- > 0;) backwards.add({&elements[i], 1});
  CHECK(backwards == whole);
}

TEST_CASE("merging histograms equals counting everything in one, in any order") {
  const std::vector<float> elements = mixed_elements(4000);
  const std::span<const float> all = elements;
  const RangeHistogram a = histogram_of(all.first(100));
  const RangeHistogram b = histogram_of(all.subspan(100, 2900));
  const RangeHistogram c = histogram_of(all.subspan(3000));
  RangeHistogram left = a;
  left.merge(b);
  left.merge(c);
  RangeHistogram right = c;
  right.merge(a);
  right.merge(b);
  CHECK(left == histogram_of(all));
  CHECK(right == left);
}

TEST_CASE("threads do not show") {
  const std::vector<float> elements = mixed_elements(6400);
  const RangeHistogram whole = histogram_of(elements);
  const int before = thread_count();
  for (const int threads : {1, 2, 4}) {
    set_thread_count(threads);
    std::vector<RangeHistogram> parts(static_cast<std::size_t>(threads));
    parallel_for(64, [&](std::int64_t i, int worker) {
      parts[static_cast<std::size_t>(worker)].add(
          std::span(elements).subspan(static_cast<std::size_t>(i) * 100, 100));
    });
    RangeHistogram merged;
    for (const RangeHistogram& part : parts) merged.merge(part);
    CHECK(merged == whole);
  }
  set_thread_count(before);
}

TEST_CASE("NaN and infinity are counted apart and leave the rest as it is") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const RangeHistogram histogram = histogram_of(std::vector<float>{1, nan, -infinity, 2});
  CHECK(histogram.count() == 4);
  CHECK(histogram.nonfinite_count() == 2);
  CHECK(histogram.min() == 1);
  CHECK(histogram.max() == 2);
}

TEST_CASE("the largest and smallest floats find a bin") {
  const float largest = std::numeric_limits<float>::max();
  const RangeHistogram wide = histogram_of(std::vector<float>{largest, -largest});
  CHECK(wide.bins().front() + wide.bins().back() == 2);
  const RangeHistogram tiny = histogram_of(std::vector<float>{std::numeric_limits<float>::denorm_min()});
  CHECK(tiny.bins()[side] == 1);
}

TEST_CASE("zeros alone need no bins") {
  const RangeHistogram histogram = histogram_of(std::vector<float>(10, 0.0f));
  CHECK(histogram.bins().empty());
  CHECK(histogram.zero_count() == 10);
}

TEST_CASE("parts that contradict each other are refused") {
  std::vector<std::int64_t> bins(2 * side);
  bins[side] = 2;
  CHECK_NOTHROW(RangeHistogram::from_parts({.count = 2, .max = 1, .bins = bins}));
  CHECK_THROWS_AS(RangeHistogram::from_parts({.count = 3, .max = 1, .bins = bins}), UserError);
  CHECK_THROWS_AS(RangeHistogram::from_parts({.count = 2, .min = 2, .max = 1, .bins = bins}), UserError);
  CHECK_THROWS_AS(RangeHistogram::from_parts({.count = 2, .max = 1, .exponent = 999, .bins = bins}),
                  UserError);
  CHECK_THROWS_AS(RangeHistogram::from_parts({.count = 1, .bins = {1}}), UserError);
}

}  // namespace
}  // namespace edgeopt
