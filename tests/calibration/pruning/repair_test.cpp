// Least squares behind pruned channels: exact where an exact answer exists, an improvement elsewhere, the
// same bytes at any thread count.
#include "calibration/pruning/repair.h"

#include <doctest/doctest.h>

#include <cmath>

#include "calibration/layers/weighted_layer.h"
#include "calibration/pruning/importance.h"
#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/infer.h"
#include "passes/prune/channel_groups.h"
#include "passes/prune/remove_channels.h"
#include "support/parallel.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

SampleSource random_samples(const Graph& graph, std::int64_t count) {
  return {.count = count, .description = "random", .read = [&graph](std::int64_t i) {
            return Sample{random_inputs(graph, static_cast<std::uint64_t>(i) + 1), {}};
          }};
}

std::vector<float> random_floats(std::size_t count, const std::string& stream) {
  RandomStream random(1, stream);
  std::vector<float> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(static_cast<float>(random.normal()));
  return result;
}

Graph with_random_weights(const std::string& text) {
  Graph graph = with_inferred_types(graph_from_text(text, {.opset = 17}));
  Edit edit(graph);
  for (const ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (!value.constant || value.constant->dtype() != DataType::float32) continue;
    const auto count = static_cast<std::size_t>(value.constant->element_count());
    edit.set_constant(id, Tensor::of<float>(value.constant->dims(), random_floats(count, value.name)));
  }
  return edit.apply();
}

std::string zeros(std::size_t count) {
  std::string text = "{0";
  for (std::size_t i = 1; i < count; ++i) text += ", 0";
  return text + "}";
}

// w1 computes 4 channels from 2, so that two of them follow from the others: 4 -> 2 loses nothing.
Graph linear_chain() {
  return with_random_weights("g (float[1,2,6,6] x) => (float[1,3,6,6] y) <float[4,2,1,1] w1 = " + zeros(8) +
                             ", float[4] b1 = " + zeros(4) + ", float[3,4,3,3] w2 = " + zeros(108) +
                             ", float[3] b2 = " + zeros(3) +
                             "> { h = Conv(x, w1, b1) y = Conv<pads = [1,1,1,1]>(h, w2, b2) }");
}

Graph residual_net() {
  return with_random_weights("g (float[1,2,6,6] x) => (float[1,2] y) <float[8,2,3,3] w1 = " + zeros(144) +
                             ", float[8,1,3,3] w2 = " + zeros(72) + ", float[8,8,1,1] w3 = " + zeros(64) +
                             ", float[8,2] w4 = " + zeros(16) +
                             "> { a = Conv<pads = [1,1,1,1]>(x, w1) ra = Relu(a)"
                             "    b = Conv<pads = [1,1,1,1], group = 8>(ra, w2) rb = Relu(b)"
                             "    c = Conv(rb, w3) s = Add(c, ra) r = Relu(s)"
                             "    m = ReduceMean<axes = [2,3], keepdims = 0>(r) y = MatMul(m, w4) }");
}

struct Pruned {
  Graph student;
  RemovedIndexes removed;
};

Pruned pruned(const Graph& teacher, std::size_t count) {
  const ChannelGroups found = find_channel_groups(teacher);
  const std::vector<ChannelUnit> units(found.groups.at(0).units.begin(),
                                       found.groups.at(0).units.begin() + static_cast<std::ptrdiff_t>(count));
  return {remove_channels(teacher, units), removed_indexes(units)};
}

double error_between(const Graph& a, const Graph& b, const Tensors& inputs) {
  const std::vector<double> wanted = to_doubles(evaluate(a, inputs)[0]),
                            got = to_doubles(evaluate(b, inputs)[0]);
  double error = 0, energy = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    error += std::pow(wanted[i] - got[i], 2);
    energy += wanted[i] * wanted[i];
  }
  return error / energy;
}

}  // namespace

TEST_CASE("repair: channels that follow linearly from others are made up for wholly") {
  const Graph teacher = linear_chain();
  const auto [student, removed] = pruned(teacher, 1);
  const RepairedModel repaired =
      with_repaired_weights({teacher, student, removed}, random_samples(teacher, 64));
  const Tensors unseen = random_inputs(teacher, 999);
  CHECK(error_between(teacher, student, unseen) > 0.01);
  // Inside the picture the answer is exact; at the border the padded zeros tell the bias of h from its
  // absence.
  CHECK(error_between(teacher, repaired.graph, unseen) < 0.1 * error_between(teacher, student, unseen));
  REQUIRE(repaired.layers.size() == 1);
  CHECK(repaired.layers[0].error_after < repaired.layers[0].error_before);
}

TEST_CASE("repair: every layer behind the removal comes closer, depthwise and residual ones too") {
  const Graph teacher = residual_net();
  const auto [student, removed] = pruned(teacher, 3);
  const RepairedModel repaired =
      with_repaired_weights({teacher, student, removed}, random_samples(teacher, 64));
  CHECK(repaired.layers.size() >= 2);
  for (const RepairedLayer& layer : repaired.layers) CHECK(layer.error_after <= layer.error_before);
  double before = 0, after = 0;
  for (std::uint64_t seed = 1001; seed < 1017; ++seed) {
    before += error_between(teacher, student, random_inputs(teacher, seed));
    after += error_between(teacher, repaired.graph, random_inputs(teacher, seed));
  }
  CHECK(after < 0.5 * before);
}

TEST_CASE("repair: nothing changes where nothing was removed") {
  const Graph teacher = residual_net();
  const RemovedIndexes nothing;
  const RepairedModel repaired =
      with_repaired_weights({teacher, teacher, nothing}, random_samples(teacher, 4));
  CHECK(repaired.layers.empty());
  CHECK(repaired.graph == teacher);
}

TEST_CASE("repair and ranking: the same bytes at 1 and 2 threads") {
  const Graph teacher = residual_net();
  const auto [student, removed] = pruned(teacher, 3);
  const SampleSource samples = random_samples(teacher, 30);
  const ChannelGroups found = find_channel_groups(teacher);
  std::vector<Graph> graphs;
  std::vector<std::vector<double>> damages;
  const int threads = thread_count();
  for (const int count : {1, 2}) {
    set_thread_count(count);
    graphs.push_back(with_repaired_weights({teacher, student, removed}, samples).graph);
    damages.push_back(rank_channels(teacher, found.groups, &samples, {})[0].damage);
  }
  set_thread_count(threads);
  CHECK(graphs[0] == graphs[1]);
  CHECK(damages[0] == damages[1]);
}

TEST_CASE("importance: a channel that nobody misses goes first, by every method") {
  Graph graph = linear_chain();
  Edit edit(graph);
  Tensor w1 = *graph.constant(*graph.find_value("w1"));
  Tensor b1 = *graph.constant(*graph.find_value("b1"));
  Tensor w2 = *graph.constant(*graph.find_value("w2"));
  for (std::size_t i = 0; i < 2; ++i) w1.mutable_data<float>()[2 * 2 + i] = 0;
  b1.mutable_data<float>()[2] = 0;
  for (std::size_t m = 0; m < 3; ++m)
    for (std::size_t k = 0; k < 9; ++k) w2.mutable_data<float>()[m * 36 + 2 * 9 + k] = 0;
  edit.set_constant(*graph.find_value("w1"), w1);
  edit.set_constant(*graph.find_value("b1"), b1);
  edit.set_constant(*graph.find_value("w2"), w2);
  graph = edit.apply();
  const ChannelGroups found = find_channel_groups(graph);
  const SampleSource samples = random_samples(graph, 16);
  for (const std::string_view name : importance_method_names()) {
    CAPTURE(name);
    const ImportanceMethod method = *importance_method_named(name);
    if (method == ImportanceMethod::median) continue;  // keeps the extremes, of which zero may be one
    const ChannelRanking ranking = rank_channels(graph, found.groups, &samples, {.method = method})[0];
    CHECK(ranking.order[0] == 2);
    CHECK(ranking.damage[0] == 0);
    CHECK(ranking.damage[1] < 1e-6);
    for (std::size_t k = 1; k < ranking.damage.size(); ++k) CHECK(ranking.damage[k] >= ranking.damage[k - 1]);
  }
}

TEST_CASE("importance: by the median, twins go before a channel of its own kind") {
  Graph graph = linear_chain();
  Edit edit(graph);
  edit.set_constant(*graph.find_value("w1"), Tensor::of<float>({4, 2, 1, 1}, {1, 1, 1, 1, 1, 1, 9, -9}));
  edit.set_constant(*graph.find_value("w2"), Tensor(DataType::float32, {3, 4, 3, 3}));
  graph = edit.apply();
  const ChannelRanking ranking = rank_channels(graph, find_channel_groups(graph).groups, nullptr,
                                               {.method = ImportanceMethod::median})[0];
  CHECK(ranking.order.back() == 3);
}

}  // namespace edgeopt
