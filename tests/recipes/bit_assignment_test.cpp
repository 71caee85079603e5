// The knapsack against trying everything.
#include "recipes/bit_assignment.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/error.h"
#include "support/random.h"

namespace edgeopt {
namespace {

using Layers = std::vector<std::vector<LayerChoice>>;

LayerChoice sum_of(const Layers& layers, const std::vector<std::size_t>& assignment) {
  LayerChoice sum;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    sum.value += layers[k][assignment[k]].value;
    sum.weight += layers[k][assignment[k]].weight;
  }
  return sum;
}

double least_by_trying(const Layers& layers, std::size_t layer, double budget) {
  if (budget < 0) return std::numeric_limits<double>::infinity();
  if (layer == layers.size()) return 0;
  double least = std::numeric_limits<double>::infinity();
  for (const LayerChoice& choice : layers[layer])
    least = std::min(least, choice.value + least_by_trying(layers, layer + 1, budget - choice.weight));
  return least;
}

// Five layers of three choices with whole numbers, so that sums are exact.
Layers random_layers(RandomStream& random) {
  Layers layers(5);
  for (auto& choices : layers)
    for (int c = 0; c < 3; ++c)
      choices.push_back(
          {.value = static_cast<double>(random.below(100)), .weight = static_cast<double>(random.below(20))});
  return layers;
}

TEST_CASE("bit assignment: no other choice has a smaller sum within the budget") {
  RandomStream random(1, "bit assignment test");
  for (int trial = 0; trial < 200; ++trial) {
    const Layers layers = random_layers(random);
    const double budget = static_cast<double>(random.below(60));
    const auto assignment = assign_choices(layers, budget);
    const double least = least_by_trying(layers, 0, budget);
    REQUIRE(assignment.has_value() == (least < std::numeric_limits<double>::infinity()));
    if (!assignment) continue;
    CHECK(sum_of(layers, *assignment).value == least);
    CHECK(sum_of(layers, *assignment).weight <= budget);
  }
}

TEST_CASE("bit assignment: exact too where weights are as fine as bytes of a large file") {
  RandomStream random(2, "bit assignment test");
  for (int trial = 0; trial < 100; ++trial) {
    Layers layers(8);
    double lightest = 0, heaviest = 0;
    for (auto& choices : layers) {
      const double bytes = static_cast<double>(1 + random.below(3'000'000));
      choices = {{.value = static_cast<double>(random.below(50)), .weight = 2 * bytes},
                 {.value = static_cast<double>(50 + random.below(1000)), .weight = bytes}};
      lightest += bytes;
      heaviest += 2 * bytes;
    }
    const double budget =
        lightest + std::floor((heaviest - lightest) * static_cast<double>(random.below(1000)) / 1000);
    const auto assignment = assign_choices(layers, budget);
    REQUIRE(assignment);
    CHECK(sum_of(layers, *assignment).value == least_by_trying(layers, 0, budget));
    CHECK(sum_of(layers, *assignment).weight <= budget);
  }
}

TEST_CASE("bit assignment: a budget that the lightest choices fill to the last byte is enough") {
  const Layers layers = {{{1, 2'000'001}, {5, 1'000'003}}, {{1, 2'000'001}, {5, 1'000'019}}};
  CHECK(assign_choices(layers, 2'000'022) == std::vector<std::size_t>{1, 1});
  CHECK_FALSE(assign_choices(layers, 2'000'021));
}

TEST_CASE("bit assignment: three hundred layers of real figures are quick and within their budget") {
  RandomStream random(3, "bit assignment test");
  Layers layers(300);
  for (auto& choices : layers) {
    const double bytes = 1000 + static_cast<double>(random.below(1'000'000));
    choices = {{.value = random.uniform() * 1e-4, .weight = bytes},
               {.value = random.uniform(), .weight = bytes / 2}};
  }
  const auto assignment = assign_choices(layers, 120e6);
  REQUIRE(assignment);
  CHECK(sum_of(layers, *assignment).weight <= 120e6);
}

TEST_CASE("bit assignment: a greedy choice by ratio would be worse") {
  // The best ratio (6 for 4) leaves no room for the two that together save more.
  const Layers layers = {{{6, 0}, {0, 4}}, {{4, 0}, {0, 3}}, {{4, 0}, {0, 3}}};
  const auto assignment = assign_choices(layers, 6);
  REQUIRE(assignment);
  CHECK(*assignment == std::vector<std::size_t>{0, 1, 1});
}

TEST_CASE("bit assignment: weights that are no whole numbers never exceed the budget") {
  const Layers layers = {{{1, 0}, {0, 0.1}}, {{1, 0}, {0, 0.2}}, {{1, 0}, {0, 0.30001}}};
  const auto assignment = assign_choices(layers, 0.6);
  REQUIRE(assignment);
  CHECK(sum_of(layers, *assignment).weight <= 0.6);
  CHECK(sum_of(layers, *assignment).value == 1);
}

TEST_CASE("bit assignment: nothing where even the lightest choices are too heavy") {
  CHECK_FALSE(assign_choices({{{0, 2}, {1, 1}}, {{0, 2}, {1, 1}}}, 1.5));
  CHECK_FALSE(assign_choices({{{0, 1}}}, -1));
}

TEST_CASE("bit assignment: without layers there is nothing to choose") {
  CHECK(assign_choices({}, 0) == std::vector<std::size_t>{});
}

TEST_CASE("bit assignment: figures that are not finite are a broken promise") {
  CHECK_THROWS_AS(assign_choices({{{std::numeric_limits<double>::infinity(), 1}}}, 1), InternalError);
  CHECK_THROWS_AS(assign_choices({{}}, 1), InternalError);
}

}  // namespace
}  // namespace edgeopt
