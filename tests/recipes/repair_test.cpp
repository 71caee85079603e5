// Repairs from damages that are made up.
#include "recipes/repair.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

namespace edgeopt {
namespace {

LayerDamage layer(const std::string& name, double damage, std::int64_t multiply_adds) {
  return {.node = name, .op_type = "Conv", .damage = damage, .evidence = {}, .multiply_adds = multiply_adds};
}

std::vector<Repair> repairs_for(const std::vector<LayerDamage>& layers, const QuantizeOptions& options = {}) {
  QuantizedModel quantized;
  quantized.observer = ObserverMethod::entropy;
  return possible_repairs(quantized, {.layers = layers}, options);
}

TEST_CASE("repair: another observer comes first, then layers in float with the observer that was best") {
  const auto repairs = repairs_for({layer("a", 8, 10), layer("b", 1, 10), layer("c", 1, 10)});
  REQUIRE(repairs.size() >= 2);
  CHECK(repairs[0].options.observers.at(0).method == ObserverMethod::percentile);
  CHECK(repairs[0].options.keep_float.empty());
  CHECK(repairs[1].what == "1 layer in float: a");
  CHECK(repairs[1].options.keep_float == std::vector<std::string>{"a"});
  CHECK(repairs[1].options.observers.at(0).method == ObserverMethod::entropy);
}

TEST_CASE("repair: left alone when an observer was asked for") {
  const auto repairs = repairs_for({layer("a", 8, 10), layer("b", 1, 10)},
                                   {.observers = {{.method = ObserverMethod::minmax}}});
  REQUIRE_FALSE(repairs.empty());
  for (const Repair& repair : repairs) CHECK(repair.options.observers.at(0).method == ObserverMethod::minmax);
  CHECK_FALSE(repairs[0].options.keep_float.empty());
}

TEST_CASE("repair: two cheap layers rather than one that does as much damage and costs more") {
  const auto repairs = repairs_for({layer("a", 10, 1000), layer("b", 5, 10), layer("c", 5, 10)});
  CHECK(repairs.at(1).options.keep_float == std::vector<std::string>{"b", "c"});
}

TEST_CASE("repair: ever more layers, none twice, never all of them") {
  const auto repairs = repairs_for({layer("a", 8, 1), layer("b", 4, 1), layer("c", 2, 1), layer("d", 1, 1)});
  for (std::size_t i = 2; i < repairs.size(); ++i)
    CHECK(repairs[i].options.keep_float.size() > repairs[i - 1].options.keep_float.size());
  CHECK(repairs.back().options.keep_float.size() < 4);
}

TEST_CASE("repair: a layer without bound to its damage is in float at once") {
  const double infinite = std::numeric_limits<double>::infinity();
  const auto repairs = repairs_for({layer("a", infinite, 100), layer("b", 1, 1), layer("c", 1, 1)});
  for (std::size_t i = 1; i < repairs.size(); ++i)
    CHECK(std::ranges::count(repairs[i].options.keep_float, "a") == 1);
}

TEST_CASE("repair: what was asked to stay in float stays") {
  const auto repairs = repairs_for({layer("a", 8, 10), layer("b", 1, 10)}, {.keep_float = {"head"}});
  for (const Repair& repair : repairs) CHECK(repair.options.keep_float.at(0) == "head");
}

}  // namespace
}  // namespace edgeopt
