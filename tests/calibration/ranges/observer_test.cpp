// Ranges by min-max, percentile, entropy and squared error.
#include "calibration/ranges/observer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "calibration/ranges/range_methods.h"
#include "support/error.h"
#include "support/random.h"

namespace edgeopt {
namespace {

RangeHistogram histogram_of(const std::vector<float>& elements) {
  RangeHistogram histogram;
  histogram.add(elements);
  return histogram;
}

std::vector<float> normal_elements(std::size_t count) {
  RandomStream stream(7, "observer");
  std::vector<float> elements(count);
  for (float& x : elements) x = static_cast<float>(stream.normal());
  return elements;
}

std::vector<float> rectified(std::vector<float> elements) {
  for (float& x : elements) x = std::max(x, 0.0f);
  return elements;
}

/// Mean squared error of quantizing to `levels` steps in the range, straight from the definition.
double squared_error(const std::vector<float>& elements, const Range& range, int levels) {
  const double scale = (range.max - range.min) / levels;
  const double zero_point = std::round(-range.min / scale);
  double sum = 0;
  for (const float x : elements) {
    const double code = std::clamp(std::round(x / scale) + zero_point, 0.0, static_cast<double>(levels));
    sum += std::pow((code - zero_point) * scale - x, 2);
  }
  return sum / static_cast<double>(elements.size());
}

const std::vector<ObserverMethod> all_methods = {ObserverMethod::minmax, ObserverMethod::percentile,
                                                 ObserverMethod::entropy, ObserverMethod::mse};

TEST_CASE("min-max is what was seen, widened to 0, or symmetric where asked") {
  const RangeHistogram histogram = histogram_of({2, 5});
  CHECK(choose_range(histogram, {}) == Range{0, 5});
  CHECK(choose_range(histogram, {.is_symmetric = true}) == Range{-5, 5});
  CHECK(choose_range(histogram_of({-3, -1}), {}) == Range{-3, 0});
}

TEST_CASE("every method includes 0 and stays within what was seen") {
  for (const ObserverMethod method : all_methods)
    for (const bool is_symmetric : {false, true}) {
      CAPTURE(name_of(method));
      CAPTURE(is_symmetric);
      const auto range = choose_range(histogram_of(normal_elements(20000)),
                                      {.method = method, .is_symmetric = is_symmetric});
      REQUIRE(range);
      const Range observed = observed_range(histogram_of(normal_elements(20000)), is_symmetric);
      CHECK(range->min <= 0);
      CHECK(range->max >= 0);
      CHECK(range->min >= observed.min);
      CHECK(range->max <= observed.max);
      CHECK(range->max >
            1.5);  // three of a hundred normal numbers lie beyond 2: no method gives up that many
      if (is_symmetric) CHECK(range->min == -range->max);
    }
}

TEST_CASE("zeros alone give an empty range, nothing and NaN give none") {
  for (const ObserverMethod method : all_methods) {
    CHECK(choose_range(histogram_of({0, 0}), {.method = method}) == Range{0, 0});
    CHECK_FALSE(choose_range(RangeHistogram(), {.method = method}));
    CHECK_FALSE(choose_range(histogram_of({1, std::numeric_limits<float>::quiet_NaN()}), {.method = method}));
  }
}

TEST_CASE("a percentile cuts the rare ends, half on each side, all where there is one side") {
  std::vector<float> elements;
  for (int i = 1; i <= 1000; ++i) {
    elements.push_back(static_cast<float>(i));
    elements.push_back(static_cast<float>(-i));
  }
  const double bin = histogram_of(elements).bin_width();
  const ObserverOptions options{.method = ObserverMethod::percentile, .percentile = 99};
  const auto both = choose_range(histogram_of(elements), options);  // 10 of 2000 on each side
  CHECK(both->max == doctest::Approx(990).epsilon(bin / 990));
  CHECK(both->min == doctest::Approx(-990).epsilon(bin / 990));
  const auto one = choose_range(histogram_of(rectified(elements)), options);  // 20 of 2000
  CHECK(one->max == doctest::Approx(980).epsilon(bin / 980));
  CHECK(one->min == 0);
}

TEST_CASE("a hundred percent is min-max within a bin") {
  const RangeHistogram histogram = histogram_of(normal_elements(1000));
  CHECK(choose_range(histogram, {.method = ObserverMethod::percentile, .percentile = 100}) ==
        choose_range(histogram, {}));
}

TEST_CASE("entropy clips lone outliers and differs from min-max") {
  for (const bool is_one_sided : {false, true})
    for (const bool is_symmetric : {false, true}) {
      std::vector<float> elements = normal_elements(100000);
      if (is_one_sided) elements = rectified(elements);
      elements.push_back(20);
      const auto range = choose_range(histogram_of(elements),
                                      {.method = ObserverMethod::entropy, .is_symmetric = is_symmetric});
      CAPTURE(range->max);
      CHECK(range->max > 2);
      CHECK(range->max < 10);
    }
}

TEST_CASE("entropy keeps a uniform value whole") {
  std::vector<float> elements;
  for (int i = 0; i < 100000; ++i) elements.push_back(static_cast<float>(i) / 100000);
  const auto range = choose_range(histogram_of(elements), {.method = ObserverMethod::entropy});
  CHECK(range->max > 0.98);
}

TEST_CASE("squared error finds the known best clipping of a normal distribution") {
  // 15 levels: step 0.3534 (Max, "Quantizing for minimum distortion", 1960, table II). The optimum is flat,
  // so the sampled one may lie 5 % off.
  const auto range = choose_range(histogram_of(normal_elements(400000)),
                                  {.method = ObserverMethod::mse, .levels = 14, .is_symmetric = true});
  CHECK(range->max / 7 == doctest::Approx(0.3534).epsilon(0.05));
}

TEST_CASE("squared error is no worse than any range on a grid, counted element by element") {
  std::vector<float> elements = normal_elements(20000);
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] = elements[i] * elements[i] * elements[i] + 0.3f;
  for (const int levels : {15, 255}) {
    const RangeHistogram histogram = histogram_of(elements);
    const Range chosen = *choose_range(histogram, {.method = ObserverMethod::mse, .levels = levels});
    const double error = squared_error(elements, chosen, levels);
    const Range widest = observed_range(histogram, false);
    // The histogram knows elements to a bin, and the search steps are half a percent.
    constexpr double slack = 1.02;
    for (double low = 0.05; low <= 1; low += 0.05)
      for (double high = 0.05; high <= 1; high += 0.05)
        CHECK(error <= slack * squared_error(elements, {widest.min * low, widest.max * high}, levels));
  }
}

TEST_CASE("squared error keeps everything where levels are plenty") {
  const RangeHistogram histogram = histogram_of(normal_elements(1000));
  CHECK(choose_range(histogram, {.method = ObserverMethod::mse, .levels = 65535}) ==
        choose_range(histogram, {}));
}

TEST_CASE("observers are found by name") {
  for (const ObserverMethod method : all_methods) CHECK(observer_named(name_of(method)) == method);
  CHECK_THROWS_AS(observer_named("max"), UserError);
}

}  // namespace
}  // namespace edgeopt
