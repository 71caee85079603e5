// The knapsack of channels: within the budget, the least damage, multiples and floors kept.
#include "passes/prune/choose_channels.h"

#include <doctest/doctest.h>

#include "ir/infer.h"
#include "passes/prune/channel_groups.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// 10 x 10 pixels; multiply-adds per pixel: 1 * 8 + 8 * 8 + 8 * 1 = 80.
Graph chain() {
  const auto weight = [](int rows, int columns) {
    std::string numbers;
    for (int i = 0; i < rows * columns; ++i) numbers += i ? ", 1" : "1";
    return "float[" + std::to_string(rows) + "," + std::to_string(columns) + ",1,1] w" +
           std::to_string(rows) + "_" + std::to_string(columns) + " = {" + numbers + "}";
  };
  return with_inferred_types(graph_from_text("g (float[1,1,10,10] x) => (float[1,1,10,10] y) <" +
                                             weight(8, 1) + ", " + weight(8, 8) + ", " + weight(1, 8) +
                                             "> { a = Conv(x, w8_1) b = Conv(a, w8_8) y = Conv(b, w1_8) }"));
}

// The k-th channel to go does damage `first` + k * `slope`.
ChannelRanking ranking(double first, double slope) {
  ChannelRanking result{.order = {0, 1, 2, 3, 4, 5, 6, 7}, .damage = {0}};
  for (int k = 0; k < 8; ++k) result.damage.push_back(result.damage.back() + first + slope * k);
  return result;
}

ChannelChoice choose(const std::vector<ChannelRanking>& rankings, const ChannelBudget& budget) {
  const Graph graph = chain();
  return choose_channels(graph, find_channel_groups(graph).groups, rankings, budget);
}

using Counts = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("choose_channels: costs follow the sizes on both sides of a layer") {
  const Graph graph = chain();
  const ChannelGroups found = find_channel_groups(graph);
  GraphCost cost(graph, CostKind::multiply_adds, 1);
  CHECK(cost.total() == 8000);
  CHECK(cost.gain(found.groups[0], 4) == 100 * (4 * 1 + 4 * 8));
  cost.remove(found.groups[0], 4);
  CHECK(cost.total() == 100 * (4 * 1 + 4 * 8 + 8));
  CHECK(cost.gain(found.groups[1], 4) == 100 * (4 * 4 + 4 * 1));
  cost.remove(found.groups[0], -4);
  CHECK(cost.total() == 8000);
  CHECK(cost_of(graph, CostKind::parameters) == 80);
}

TEST_CASE("choose_channels: latency counts channels in whole multiples") {
  const Graph graph = chain();
  const ChannelGroups found = find_channel_groups(graph);
  GraphCost cost(graph, CostKind::latency, 4);
  CHECK(cost.gain(found.groups[0], 3) == 0);
  // Operations; 4 fewer results of the first layer, 4 fewer window elements of the second, each for 22.
  CHECK(cost.gain(found.groups[0], 4) == 100 * (4 * 1 + 4 * 8) + 22 * 100 * (4 + 4));
}

TEST_CASE("choose_channels: channels of a depthwise Conv save the latency that the smaller graph has") {
  const auto numbers = [](int count) {
    std::string text = "1";
    for (int i = 1; i < count; ++i) text += ", 1";
    return text;
  };
  const auto with_channels = [&](int count) {
    const std::string c = std::to_string(count);
    return with_inferred_types(graph_from_text(
        "g (float[1,1,10,10] x) => (float[1,1,10,10] y) <float[" + c + ",1,1,1] v = {" + numbers(count) +
        "}, float[" + c + ",1,3,3] w = {" + numbers(9 * count) + "}, float[1," + c + ",1,1] u = {" +
        numbers(count) + "}> { a = Conv(x, v) b = Conv<group = " + c +
        ", pads = [1,1,1,1]>(a, w) y = Conv(b, u) }"));
  };
  const Graph whole = with_channels(8);
  const ChannelGroups found = find_channel_groups(whole);
  REQUIRE(found.groups.size() == 1);
  GraphCost cost(whole, CostKind::latency, 1);
  cost.remove(found.groups[0], 6);
  CHECK(cost.total() == cost_of(with_channels(2), CostKind::latency));
}

TEST_CASE("choose_channels: the group that does less damage gives its channels") {
  const ChannelChoice choice = choose({ranking(1, 0), ranking(9, 0)}, {.keep = 0.6});
  CHECK(choice.meets_budget());
  CHECK(choice.removed_counts == Counts{4, 0});  // 4 * 9 of 80 per pixel are the first 40 % and more
  CHECK(choice.damage == 4);
  CHECK(choice.cost == 4400);
}

TEST_CASE("choose_channels: damage that rises is spread over the groups") {
  const ChannelChoice choice = choose({ranking(0, 1), ranking(0, 1)}, {.keep = 0.6});
  CHECK(choice.removed_counts == Counts{2, 2});
  CHECK(choice.cost == 100 * (6 + 36 + 6));
}

TEST_CASE("choose_channels: what remains is a multiple, never less than one") {
  const ChannelChoice choice = choose({ranking(1, 0), ranking(9, 0)}, {.keep = 0.1, .channel_multiple = 4});
  CHECK(choice.removed_counts == Counts{4, 4});
  CHECK_FALSE(choice.meets_budget());
}

TEST_CASE("choose_channels: removals that the budget does not need are given back") {
  // One step saves 900 of the 1000 wanted, so two are taken, both where it hurts less.
  const ChannelChoice choice = choose({ranking(1, 0), ranking(1.05, 0)}, {.keep = 0.875});
  CHECK(choice.removed_counts == Counts{2, 0});
  CHECK(choice.damage == 2);
}

TEST_CASE("choose_channels: the smallest share stays") {
  const ChannelChoice choice = choose({ranking(1, 0), ranking(1, 0)}, {.keep = 0.01, .smallest_share = 0.5});
  CHECK(choice.removed_counts == Counts{4, 4});
}

}  // namespace edgeopt
