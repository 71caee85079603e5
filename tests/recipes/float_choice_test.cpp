// Integers or float by time, against trying everything.
#include "recipes/float_choice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "support/random.h"

namespace edgeopt {
namespace {

double least_by_trying(const std::vector<LayerTimes>& layers, const std::vector<Border>& borders) {
  double least = std::numeric_limits<double>::infinity();
  for (unsigned choice = 0; choice < 1U << layers.size(); ++choice) {
    std::vector<bool> is_float;
    for (std::size_t k = 0; k < layers.size(); ++k) is_float.push_back((choice >> k & 1U) != 0);
    least = std::min(least, time_of(layers, borders, is_float));
  }
  return least;
}

TEST_CASE("float choice: no other choice takes less time, whatever the layers exchange") {
  RandomStream random(1, "float choice test");
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<LayerTimes> layers(7);
    for (LayerTimes& layer : layers)
      layer = {.integer_ms = static_cast<double>(random.below(50)),
               .float_ms = static_cast<double>(random.below(50))};
    std::vector<Border> borders;
    for (int i = 0; i < 10; ++i) {
      // A layer reads what an earlier one computes, or what comes from outside.
      const std::size_t to = random.below(8), from = random.below(to + 1);
      borders.push_back({.from = from == to ? Border::outside : from,
                         .to = to == 7 ? Border::outside : to,
                         .dequantize_ms = static_cast<double>(random.below(20)),
                         .quantize_ms = static_cast<double>(random.below(20))});
    }
    CHECK(time_of(layers, borders, fastest_in_float(layers, borders)) == least_by_trying(layers, borders));
  }
}

TEST_CASE("float choice: a layer that is slower in integers runs in float") {
  CHECK(fastest_in_float({{"a", "Conv", 1, 3}, {"b", "Conv", 2, 1}}, {}) == std::vector<bool>{false, true});
}

TEST_CASE("float choice: left in integers when the way out and back costs more than it gains") {
  const std::vector<LayerTimes> layers = {{"a", "Conv", 1, 9}, {"b", "Conv", 2, 1}, {"c", "Conv", 1, 9}};
  const std::vector<Border> cheap = {{0, 1, 0.1, 0.1}, {1, 2, 0.1, 0.1}};
  const std::vector<Border> dear = {{0, 1, 0.6, 0.6}, {1, 2, 0.6, 0.6}};
  CHECK(fastest_in_float(layers, cheap) == std::vector<bool>{false, true, false});
  CHECK(fastest_in_float(layers, dear) == std::vector<bool>{false, false, false});
}

TEST_CASE("float choice: two neighbours go to float together where neither would alone") {
  const std::vector<LayerTimes> layers = {{"a", "Conv", 2, 1.5}, {"b", "Conv", 2, 1.5}};
  const std::vector<Border> borders = {{0, 1, 0.6, 0.6}};
  CHECK(fastest_in_float(layers, borders) == std::vector<bool>{true, true});
  const std::vector<LayerTimes> one = {{"a", "Conv", 2, 1.5}, {"b", "Conv", 1, 3}};
  CHECK(fastest_in_float(one, borders) == std::vector<bool>{false, false});
}

TEST_CASE("float choice: left in integers where both forms take as long") {
  CHECK(fastest_in_float({{"a", "Conv", 1, 1}}, {}) == std::vector<bool>{false});
}

TEST_CASE("float choice: what crosses to the outside is paid too") {
  const std::vector<LayerTimes> layers = {{"a", "Conv", 1, 1.5}};
  CHECK(fastest_in_float(layers, {{Border::outside, 0, 9, 0.3}, {0, Border::outside, 0.3, 9}}) ==
        std::vector<bool>{true});
  CHECK(fastest_in_float(layers, {{Border::outside, 0, 9, 0.1}, {0, Border::outside, 0.1, 9}}) ==
        std::vector<bool>{false});
}

}  // namespace
}  // namespace edgeopt
