// Times of layers in both forms. What is faster depends on the machine; what is timed and named does not.
#include "recipes/latency_goal.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "ir/edit.h"
#include "ir/infer.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

Graph two_layers() {
  const Graph graph = with_inferred_types(graph_from_text(R"(g (float[n,1,16,16] x) => (float[n,1,16,16] y)
    <float[1,1,1,1] v = {0.5}, float[1,1,1,1] w = {0.25}>
    { a = Conv(x, v)  b = Relu(a)  y = Conv(b, w) })"));
  Edit edit(graph);
  for (const ValueId id : graph.values())
    if (!graph.value(id).constant)
      edit.set_range(id, Range{.min = graph.producer(id, "Relu") ? 0.0 : -2, .max = 2});
  return edit.apply();
}

FloatChoice choice_for(const QuantizeOptions& options) {
  const QuantizedModel quantized = quantize_with_ranges(two_layers(), options);
  return choose_floats(quantized, {Tensor(DataType::float32, {1, 1, 16, 16})}, options, {.run_count = 10});
}

QuantizeOptions int8_options() {
  QuantizeOptions options;
  options.profile = load_profile("x86_avx512_vnni");
  return options;
}

TEST_CASE("latency goal: every layer is timed in both forms, a Conv with its Relu as one") {
  const FloatChoice choice = choice_for(int8_options());
  REQUIRE(choice.layers.size() == 2);
  CHECK(choice.is_float.size() == 2);
  CHECK(choice.layers[0].node == "a");
  CHECK(choice.layers[1].node == "y");
  for (const LayerTimes& layer : choice.layers) {
    CHECK(layer.integer_ms > 0);
    CHECK(layer.float_ms > 0);
  }
}

TEST_CASE("latency goal: layers are named for float only if that gains something, else there is a reason") {
  const FloatChoice choice = choice_for(int8_options());
  CHECK(choice.keep_float.empty() != choice.left_alone_because.empty());
  // Of two layers one at most: without any there would be nothing to quantize.
  CHECK(choice.keep_float.size() <= 1);
}

TEST_CASE("latency goal: left out are layers that shall stay in float anyhow") {
  QuantizeOptions options = int8_options();
  options.keep_float = {"a"};
  const FloatChoice choice = choice_for(options);
  REQUIRE(choice.layers.size() == 1);
  CHECK(choice.layers[0].node == "y");
  CHECK(choice.keep_float.empty());
}

}  // namespace
}  // namespace edgeopt
