// The noise that equalization lowers: its slope is its derivative, and the factors it ends at are the known
// ones.
#include "calibration/equalization/equalization_noise.h"

#include <doctest/doctest.h>

#include <cmath>

namespace edgeopt {
namespace {

EqualizationNoise two_channels(double range0, double range1) {
  EqualizationNoise noise{.unit_count = 2};
  noise.activations.push_back({.step_square = 1e-4, .ranges = {range0, range1}, .gains = {1, 1}});
  return noise;
}

}  // namespace

TEST_CASE("the slope is what differences of the noise say") {
  EqualizationNoise noise = two_channels(3, 0.5);
  noise.weights.push_back({.step_square = 2e-4,
                           .fixed_magnitude = 0.3,
                           .fixed_power = 0.1,
                           .entries = {{0, 0.7, 2.0}, {1, 1.1, 0.4}}});
  const std::vector<double> at = {0.2, -0.3};
  std::vector<double> slope(2, 0.0);
  noise.power(at, 8, slope);
  constexpr double step = 1e-5;
  for (std::size_t u = 0; u < 2; ++u) {
    std::vector<double> up = at, down = at;
    up[u] += step;
    down[u] -= step;
    const double difference = (noise.power(up, 8, {}) - noise.power(down, 8, {})) / (2 * step);
    CHECK(slope[u] == doctest::Approx(difference).epsilon(1e-6));  // central differences err by step^2
  }
}

TEST_CASE("where only the activation is integer its channels end with equal ranges") {
  const std::vector<double> logs = quietest_log_factors(two_channels(3, 0.5));
  // A step of the search is 5 %.
  CHECK(logs[0] - logs[1] == doctest::Approx(std::log(6.0)).epsilon(0.05));
  CHECK(logs[0] == doctest::Approx(0).epsilon(0.05));  // the largest range stays
}

TEST_CASE("channels of equal ranges keep their factors") {
  CHECK(quietest_log_factors(two_channels(2, 2)) == std::vector<double>{0, 0});
}

TEST_CASE("a weight of few bits holds the factors back") {
  EqualizationNoise noise = two_channels(3, 0.5);
  noise.weights.push_back({.step_square = 1, .entries = {{0, 1, 1}, {1, 1, 1}}});
  CHECK(quietest_log_factors(noise) == std::vector<double>{0, 0});
}

TEST_CASE("under a bound no factor is above 1 and no range beyond it") {
  EqualizationNoise noise = two_channels(4, 0.5);
  noise.bound = 6;
  const std::vector<double> logs = quietest_log_factors(noise);
  CHECK(logs[0] <= 0);
  CHECK(logs[1] < 0);
  CHECK(4 / std::exp(logs[0]) <= 6.0 * (1 + 1e-12));
  CHECK(0.5 / std::exp(logs[1]) <= 6.0 * (1 + 1e-12));
}

TEST_CASE("nothing that is integer leaves nothing to do") {
  CHECK(quietest_log_factors({.unit_count = 3}) == std::vector<double>{0, 0, 0});
}

}  // namespace edgeopt
