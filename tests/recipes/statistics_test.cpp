// Intervals against published figures.
#include "recipes/statistics.h"

#include <doctest/doctest.h>

#include <cmath>

namespace edgeopt {
namespace {

constexpr double published_digits = 5e-5;  // the sources print four decimals

bool is_near(double a, double b) { return std::abs(a - b) <= published_digits; }

TEST_CASE("Wilson's interval gives the published limits") {
  // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
  CHECK(is_near(wilson_interval(81, 263).low, 0.2553));
  CHECK(is_near(wilson_interval(81, 263).high, 0.3662));
  CHECK(is_near(wilson_interval(15, 148).low, 0.0624));
  CHECK(is_near(wilson_interval(15, 148).high, 0.1605));
  CHECK(is_near(wilson_interval(0, 20).high, 0.1611));
  CHECK(wilson_interval(0, 20).low == 0);
  CHECK(is_near(wilson_interval(1, 29).low, 0.0061));
  CHECK(is_near(wilson_interval(1, 29).high, 0.1718));
  CHECK(wilson_interval(7, 7).high == 1);
}

TEST_CASE("the paired difference gives the published limits") {
  // Newcombe, "Improved confidence intervals for the difference ... paired data", 1998, table II, method 10.
  const Interval interval = paired_difference({.both = 36, .only_first = 12, .only_second = 2, .neither = 0});
  CHECK(interval.value == doctest::Approx(0.2));
  CHECK(is_near(interval.low, 0.0569));
  CHECK(is_near(interval.high, 0.3404));
}

TEST_CASE("two models that are right on the same samples differ by nothing, surely enough") {
  const Interval same = paired_difference({.both = 900, .only_first = 0, .only_second = 0, .neither = 100});
  CHECK(same.value == 0);
  CHECK(same.low == doctest::Approx(-same.high));
  CHECK(same.high < 0.005);
  const Interval unpaired =
      paired_difference({.both = 450, .only_first = 450, .only_second = 50, .neither = 50});
  CHECK(unpaired.low > 0);  // 400 more of a thousand
}

TEST_CASE("the bootstrap covers the mean's known spread and repeats itself") {
  // 0, 1, ..., 99: mean 49.5, standard error 28.87 / 10; 1000 resamples know the ends to about 5 %.
  const auto mean = [](const std::vector<std::size_t>& indices) {
    double sum = 0;
    for (const std::size_t i : indices) sum += static_cast<double>(i);
    return sum / static_cast<double>(indices.size());
  };
  const Interval interval = bootstrap_interval(100, mean, 3);
  CHECK(interval.value == doctest::Approx(49.5));
  CHECK(interval.low == doctest::Approx(49.5 - 1.96 * 2.887).epsilon(0.05));
  CHECK(interval.high == doctest::Approx(49.5 + 1.96 * 2.887).epsilon(0.05));
  CHECK(bootstrap_interval(100, mean, 3) == interval);
}

}  // namespace
}  // namespace edgeopt
