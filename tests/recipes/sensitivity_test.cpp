// Damage of single layers on models whose noise can be steered by ranges.
#include "recipes/sensitivity.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ir/edit.h"
#include "ir/infer.h"
#include "recipes/output_loss.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

SampleSource seeded_samples(const Dims& dims, std::int64_t count) {
  const auto read = [dims](std::int64_t index) {
    RandomStream random(static_cast<std::uint64_t>(index), "sensitivity test");
    Tensor tensor(DataType::float32, dims);
    for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(random.normal());
    return Sample{.inputs = {tensor}};
  };
  return {.count = count, .description = "seeded", .read = read};
}

// Every float value gets the range [-8, 8] or, behind a Relu, [0, 8]; `wide` a hundred times that.
Graph with_test_ranges(const std::string& text, const std::string& wide = "") {
  const Graph graph = with_inferred_types(graph_from_text(text));
  Edit edit(graph);
  for (const ValueId id : graph.values()) {
    const double end = graph.name_of(id) == wide ? 800 : 8;
    if (!graph.value(id).constant) edit.set_range(id, Range{graph.producer(id, "Relu") ? 0.0 : -end, end});
  }
  return edit.apply();
}

const QuantizeOptions& int8_options() {
  static const QuantizeOptions options = [] {
    QuantizeOptions made;
    made.profile = load_profile("x86_avx512_vnni");
    return made;
  }();
  return options;
}

// Three layers in a row with a residual connection around the second.
const std::string three_layers = R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y)
  <float[2,2,1,1] u = {0.5, -0.25, 1.0, 0.75}, float[2] d = {0.1, -0.2},
   float[2,2,1,1] v = {0.4, -0.6, 0.2, 0.9}, float[2,2,1,1] w = {0.7, 0.3, -0.5, 0.8}>
  { a = Conv(x, u, d)  b = Relu(a)  c = Conv(b, v)  s = Add(c, b)  y = Conv(s, w) })";

std::vector<std::string> names_of(const Sensitivity& sensitivity) {
  std::vector<std::string> names;
  for (const LayerDamage& layer : sensitivity.layers) names.push_back(layer.node);
  return names;
}

const LayerDamage& layer_of(const Sensitivity& sensitivity, const std::string& name) {
  const auto found = std::ranges::find(sensitivity.layers, name, &LayerDamage::node);
  REQUIRE(found != sensitivity.layers.end());
  return *found;
}

Sensitivity measured(const Graph& graph, SensitivityOptions options = {}) {
  return layer_sensitivity(graph, seeded_samples({1, 2, 4, 4}, 6), int8_options(), options);
}

TEST_CASE("sensitivity: the layer with the coarsest integers is the most harmful one and the noisiest") {
  const Sensitivity sensitivity = measured(with_test_ranges(three_layers, "c"));
  REQUIRE(sensitivity.layers.size() == 3);
  CHECK(sensitivity.layers[0].node == "c");
  CHECK(sensitivity.layers[0].damage > 100 * sensitivity.layers[1].damage);
  CHECK(sensitivity.layers[0].evidence.sqnr_db < sensitivity.layers[1].evidence.sqnr_db);
  CHECK(sensitivity.layers[0].evidence.range == Range{-800, 800});
}

TEST_CASE("sensitivity: damage is the loss of the model in which that layer alone is quantized") {
  const Graph teacher = with_test_ranges(three_layers);
  const SampleSource samples = seeded_samples({1, 2, 4, 4}, 6);
  const Sensitivity sensitivity = layer_sensitivity(teacher, samples, int8_options(), {});
  for (const std::string name : {"a", "c", "y"}) {
    QuantizeOptions alone = int8_options();
    for (const std::string other : {"a", "c", "y"})
      if (other != name) alone.keep_float.push_back(other);
    const auto student = compile(quantize_with_ranges(teacher, alone).graph);
    const auto exact = compile(teacher);
    const OutputLoss loss(teacher, samples, samples.count);
    double sum = 0;
    for (std::int64_t i = 0; i < samples.count; ++i) {
      const Tensors inputs = samples.read(i).inputs;
      sum += loss.loss(exact->run(inputs), student->run(inputs));
    }
    // The engine fuses pieces otherwise than the whole; floats then differ by a few roundings of 2^-24.
    CHECK(layer_of(sensitivity, name).damage == doctest::Approx(sum / 6).epsilon(1e-4));
  }
}

TEST_CASE("sensitivity: a layer that loses nothing in integers does no damage") {
  const Graph graph = with_inferred_types(graph_from_text(
      "g (float[1,1,2,2] x) => (float[1,1,2,2] y) <float[1,1,1,1] w = {127}> { y = Conv(x, w) }"));
  Edit edit(graph);
  edit.set_range(*graph.find_value("x"), Range{0, 255});
  edit.set_range(*graph.find_value("y"), Range{0, 255.0 * 127});
  const SampleSource samples = {
      .count = 2, .read = [](std::int64_t) {
        return Sample{.inputs = {Tensor::of<float>({1, 1, 2, 2}, {0, 1, 100, 255})}};
      }};
  const Sensitivity sensitivity = layer_sensitivity(edit.apply(), samples, int8_options(), {});
  CHECK(sensitivity.layers[0].damage == 0);
  CHECK(std::isinf(sensitivity.layers[0].evidence.sqnr_db));
  CHECK(sensitivity.layers[0].evidence.clipped_share == 0);
}

TEST_CASE("sensitivity: clipped are the elements beyond the range by more than a rounding") {
  const Graph graph = with_inferred_types(graph_from_text(
      "g (float[1,1,2,2] x) => (float[1,1,2,2] y) <float[1,1,1,1] w = {1}> { y = Conv(x, w) }"));
  Edit edit(graph);
  edit.set_range(*graph.find_value("x"), Range{0, 255});
  edit.set_range(*graph.find_value("y"), Range{0, 100});
  const SampleSource samples = {
      .count = 2, .read = [](std::int64_t) {
        return Sample{.inputs = {Tensor::of<float>({1, 1, 2, 2}, {0, 50, 100, 200})}};
      }};
  const Sensitivity sensitivity = layer_sensitivity(edit.apply(), samples, int8_options(), {});
  CHECK(sensitivity.layers[0].evidence.clipped_share == 0.25);
}

TEST_CASE("sensitivity: the worst channel is the one with the least signal to noise") {
  // Channel 1 is five times smaller than channel 0 and shares its scale.
  const Graph graph = with_test_ranges(R"(g (float[1,1,4,4] x) => (float[1,2,4,4] y)
    <float[2,1,1,1] w = {1, 0.2}> { y = Conv(x, w) })");
  const Sensitivity sensitivity =
      layer_sensitivity(graph, seeded_samples({1, 1, 4, 4}, 4), int8_options(), {});
  CHECK(sensitivity.layers[0].evidence.worst_channel == 1);
  CHECK(sensitivity.layers[0].evidence.worst_channel_sqnr_db < sensitivity.layers[0].evidence.sqnr_db);
}

TEST_CASE("sensitivity: left alone when a channel is too faint to matter") {
  const Graph graph = with_test_ranges(R"(g (float[1,1,4,4] x) => (float[1,3,4,4] y)
    <float[3,1,1,1] w = {1, 0.2, 0.001}> { y = Conv(x, w) })");
  const Sensitivity sensitivity =
      layer_sensitivity(graph, seeded_samples({1, 1, 4, 4}, 4), int8_options(), {});
  CHECK(sensitivity.layers[0].evidence.worst_channel == 1);
}

TEST_CASE("sensitivity: memory and threads do not change a figure") {
  const Graph graph = with_test_ranges(three_layers);
  const Sensitivity expected = measured(graph);
  const int threads = thread_count();
  for (const int count : {1, 3}) {
    set_thread_count(count);
    const Sensitivity found = measured(graph, {.largest_memory_bytes = 1});
    CHECK(names_of(found) == names_of(expected));
    for (std::size_t k = 0; k < 3; ++k) CHECK(found.layers[k].damage == expected.layers[k].damage);
  }
  set_thread_count(threads);
}

// One number at the end of a linear model: every direction is +-1, and the estimate has no error of second
// order.
const std::string linear = R"(g (float[1,2,4,4] x) => (float[1,1,1,1] y)
  <float[2,2,1,1] u = {0.5, -0.25, 1.0, 0.75}, float[2,2,1,1] v = {0.4, -0.6, 0.2, 0.9},
   float[1,2,1,1] w = {0.7, 0.3}>
  { a = Conv(x, u)  c = Conv(a, v)  s = Add(c, a)  m = GlobalAveragePool(s)  y = Conv(m, w) })";

TEST_CASE("sensitivity: the estimate of a linear model with one output is the measured damage") {
  const Graph graph = with_test_ranges(linear);
  const Sensitivity expected = measured(graph);
  const Sensitivity estimated =
      measured(graph, {.method = SensitivityMethod::gradient, .direction_count = 1});
  for (const LayerDamage& layer : expected.layers) {
    const LayerDamage& other = layer_of(estimated, layer.node);
    // Damages are 1e-6 of the output's energy, so its roundings of 2^-24 are 1e-4 of the step.
    CHECK(other.damage == doctest::Approx(layer.damage).epsilon(1e-2));
    CHECK(other.evidence.sqnr_db == doctest::Approx(layer.evidence.sqnr_db).epsilon(1e-3));
    CHECK(other.evidence.worst_channel == layer.evidence.worst_channel);
  }
}

TEST_CASE("sensitivity: estimates rank layers as measurements do") {
  const Graph graph = with_test_ranges(three_layers, "c");
  const Sensitivity estimated = measured(graph, {.method = SensitivityMethod::gradient});
  CHECK(estimated.layers[0].node == "c");
  CHECK(estimated.layers[0].damage > 100 * estimated.layers[1].damage);
}

TEST_CASE("sensitivity: threads do not change an estimate") {
  const Graph graph = with_test_ranges(three_layers);
  const int threads = thread_count();
  set_thread_count(1);
  const Sensitivity expected = measured(graph, {.method = SensitivityMethod::gradient});
  set_thread_count(3);
  const Sensitivity found = measured(graph, {.method = SensitivityMethod::gradient});
  set_thread_count(threads);
  CHECK(names_of(found) == names_of(expected));
  for (std::size_t k = 0; k < 3; ++k) CHECK(found.layers[k].damage == expected.layers[k].damage);
}

TEST_CASE("sensitivity: a layer that stays in float has no damage to rank") {
  QuantizeOptions options = int8_options();
  options.keep_float = {"c"};
  const Sensitivity sensitivity =
      layer_sensitivity(with_test_ranges(three_layers), seeded_samples({1, 2, 4, 4}, 2), options, {});
  const std::vector<std::string> names = names_of(sensitivity);
  CHECK(names.size() == 2);
  CHECK(std::ranges::find(names, "c") == names.end());
}

TEST_CASE("sensitivity: left alone when a layer's scheme is float") {
  QuantizeOptions options = int8_options();
  options.widths.layers["c"] = scheme_named("float");
  const Sensitivity sensitivity =
      layer_sensitivity(with_test_ranges(three_layers), seeded_samples({1, 2, 4, 4}, 2), options, {});
  const std::vector<std::string> names = names_of(sensitivity);
  CHECK(names.size() == 2);
  CHECK(std::ranges::find(names, "c") == names.end());
}

TEST_CASE("sensitivity: a model without quantizable layers is an error") {
  const Graph graph = with_test_ranges("g (float[1,2] x) => (float[1,2] y) { y = Relu(x) }");
  CHECK_THROWS_AS(layer_sensitivity(graph, seeded_samples({1, 2}, 2), int8_options(), {}), NothingToQuantize);
}

}  // namespace
}  // namespace edgeopt
