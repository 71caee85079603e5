#include "passes/scale_groups.h"

#include <doctest/doctest.h>

#include "ir/edit.h"

namespace edgeopt {
namespace {

constexpr QuantizationScheme scheme = {.type = DataType::uint8, .bits = 8};
constexpr double infinite = 1e300;

// A graph of three values a, b, c with these ranges.
struct Values {
  Graph graph;
  std::vector<ValueId> ids;
  ValueId operator[](std::size_t i) const { return ids[i]; }
};

Values values_with(const std::vector<Range>& ranges) {
  Edit edit{Graph{}};
  std::vector<ValueId> ids;
  for (const Range& range : ranges) {
    ids.push_back(edit.add_input("value", {.dtype = DataType::float32}));
    edit.set_range(ids.back(), range);
  }
  return {edit.apply(), ids};
}

ScaleGroups groups_of(const Values& values) {
  ScaleGroups groups(values.graph, scheme);
  for (const ValueId id : values.ids) groups.add(id);
  return groups;
}

TEST_CASE("scale groups: a value alone has the parameters of its range") {
  const Values values = values_with({{-128, 127}, {0, 255}});
  const ScaleGroups groups = groups_of(values);
  CHECK(groups.quantization(values[0]).parameters == QuantizationParameters{.scale = 1, .zero_point = 128});
  CHECK(groups.quantization(values[1]).parameters == QuantizationParameters{.scale = 1, .zero_point = 0});
}

TEST_CASE("scale groups: united values cover both ranges, through others too") {
  const Values values = values_with({{-255, 0}, {0, 10}, {0, 255}});
  ScaleGroups groups = groups_of(values);
  groups.unite(values[0], values[1]);
  CHECK(groups.quantization(values[2]).parameters == QuantizationParameters{.scale = 1, .zero_point = 0});
  groups.unite(values[1], values[2]);
  groups.unite(values[2], values[0]);
  for (const ValueId id : values.ids)
    CHECK(groups.quantization(id).parameters == parameters_for({-255, 255}, scheme));
}

TEST_CASE("scale groups: a bound cuts the range, and what is added to 0 keeps it") {
  const Values values = values_with({{-3, 300}, {5, 10}});
  ScaleGroups groups = groups_of(values);
  groups.bound(values[0], {.min = 0, .max = 255});
  CHECK(groups.quantization(values[0]).parameters == QuantizationParameters{.scale = 1, .zero_point = 0});
  CHECK(groups.quantization(values[1]).parameters == parameters_for({0, 10}, scheme));
}

TEST_CASE("scale groups: unite_if_bounds_allow unites values inside each other's bounds") {
  const Values values = values_with({{0, 2}, {0, 255}});
  ScaleGroups groups = groups_of(values);
  groups.bound(values[0], {.min = 0, .max = infinite});
  groups.unite_if_bounds_allow(values[0], values[1]);
  CHECK(groups.quantization(values[0]).parameters == groups.quantization(values[1]).parameters);
}

TEST_CASE("scale groups: unite_if_bounds_allow leaves a Relu apart from negative values") {
  const Values values = values_with({{0, 255}, {-128, 127}});
  ScaleGroups groups = groups_of(values);
  groups.bound(values[0], {.min = 0, .max = infinite});
  groups.unite_if_bounds_allow(values[0], values[1]);
  CHECK(groups.quantization(values[0]).parameters == QuantizationParameters{.scale = 1, .zero_point = 0});
  CHECK(groups.quantization(values[1]).parameters == QuantizationParameters{.scale = 1, .zero_point = 128});
}

TEST_CASE("scale groups: unite_if_bounds_allow leaves a Clip apart from larger values") {
  const Values values = values_with({{0, 6}, {0, 255}});
  ScaleGroups groups = groups_of(values);
  groups.bound(values[0], {.min = 0, .max = 6});
  groups.unite_if_bounds_allow(values[0], values[1]);
  CHECK(groups.quantization(values[0]).parameters == parameters_for({0, 6}, scheme));
  CHECK(groups.quantization(values[1]).parameters == QuantizationParameters{.scale = 1, .zero_point = 0});
}

}  // namespace
}  // namespace edgeopt
