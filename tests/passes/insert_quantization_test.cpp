// What golden cases (insert_quantization.test) cannot ask: options, own profiles, and scales with long
// digits.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "ir/quantization/quantization_scheme.h"
#include "passes/framework/pass.h"
#include "passes/framework/pipeline.h"
#include "passes/pipelines.h"
#include "passes/quantization_plan.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

using Ranges = std::vector<std::pair<std::string, Range>>;

struct Quantized {
  PassOutcome outcome;
  const Graph& graph() const { return outcome.graph; }

  // The nodes of that type, in their order.
  std::vector<Node> nodes(const std::string& op_type) const {
    std::vector<Node> found;
    for (const NodeId id : graph().nodes())
      if (graph().node(id).is(op_type)) found.push_back(graph().node(id));
    return found;
  }
  bool is_declined_for(const std::string& reason) const {
    return std::ranges::any_of(outcome.declined, [&](const auto& each) { return each.first == reason; });
  }
  std::size_t count(const std::string& op_type) const { return nodes(op_type).size(); }
  // The tensor behind the DequantizeLinear that feeds this input.
  Tensor integers(const Node& node, std::size_t input) const {
    const Node* dequantize = graph().producer(node.inputs[input], "DequantizeLinear");
    REQUIRE(dequantize);
    return graph().constant(dequantize->inputs[0]).value();
  }
  Tensor scale(const Node& node, std::size_t input) const {
    const Node* dequantize = graph().producer(node.inputs[input], "DequantizeLinear");
    REQUIRE(dequantize);
    return graph().constant(dequantize->inputs[1]).value();
  }
};

Graph with_ranges(const std::string& text, const Ranges& ranges) {
  const Graph graph = with_inferred_types(graph_from_text(text));
  Edit edit(graph);
  for (const auto& [name, range] : ranges) edit.set_range(graph.find_value(name).value(), range);
  return edit.apply();
}

Quantized quantized(const std::string& text, const Ranges& ranges, PassContext context = {}) {
  if (context.profile.quantization.integer_operators.empty())
    context.profile = load_profile("x86_avx512_vnni");
  return {find_pass("insert_quantization").run(with_ranges(text, ranges), context)};
}

const std::string two_convs = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
  <float[1,1,1,1] w = {1}, float[1,1,1,1] v = {1}>
  { c = Conv(x, w)  y = Conv(c, v) })";
const Ranges ranges_of_two_convs = {{"x", {0, 255}}, {"c", {0, 255}}, {"y", {0, 255}}};

TEST_CASE("insert_quantization: a node that shall stay in float keeps its weight and its reason") {
  const Quantized result = quantized(two_convs, ranges_of_two_convs, {.keep_float = {"y"}});
  CHECK(result.is_declined_for("Conv 'y': asked to stay in float"));
  CHECK(result.graph().constant(result.nodes("Conv")[1].inputs[1]).has_value());
  CHECK(result.count("QuantizeLinear") == 2);
}

TEST_CASE("insert_quantization: integers in range pass through unchanged, and negative ones end at a Relu") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
    <float[1,1,1,1] w = {1}> { c = Conv(x, w)  y = Relu(c) })";
  const Quantized result = quantized(text, {{"x", {-100, 155}}, {"y", {0, 255}}});
  CHECK(result.count("Relu") == 0);
  const Tensors inputs = {Tensor::of<float>({1, 1, 2, 2}, {-100, -1, 0, 155})};
  CHECK(evaluate(result.graph(), inputs)[0] == Tensor::of<float>({1, 1, 2, 2}, {0, 0, 0, 155}));
}

// Two Convs of `head` outputs behind the input, then one of 16; profile: narrower than 16 is not worth it.
QuantizationPlan plan_behind_head(const std::string& rest) {
  Ranges ranges;
  for (const char* name : {"x", "c", "d", "e", "y"}) ranges.push_back({name, {0, 255}});
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,16,2,2] y)
    <float[2,1,1,1] w = {1, 2}, float[2,1,1,1] d_w = {1, 2}, float[16,2,1,1] v = RANDOM, float[2,16,1,1] u = RANDOM>
    { )" + rest + " }";
  return plan_quantization(with_ranges(with_random_constants(text), ranges),
                           load_profile("x86_avx512_vnni").quantization);
}

TEST_CASE("a plan leaves narrow Convs between the input and the first wide one in float, and says why") {
  const QuantizationPlan plan =
      plan_behind_head("c = Conv(x, w) d = Relu(c) e = Conv<group = 2>(d, d_w) y = Conv(e, v)");
  CHECK(plan.layers.size() == 1);
  REQUIRE(plan.kept_float.size() == 2);
  CHECK(plan.kept_float[0].reason.find("2 output channels") != std::string::npos);
}

TEST_CASE("a plan quantizes a narrow Conv behind a wide one") {
  const QuantizationPlan plan =
      plan_behind_head("c = Conv(x, w) d = Conv(c, v) e = Conv(d, u) y = Conv(e, v)");
  CHECK(plan.layers.size() == 3);
  CHECK(plan.kept_float.size() == 1);
}

TEST_CASE("a plan quantizes narrow Convs where there are no others") {
  CHECK(quantized(two_convs, ranges_of_two_convs).count("QuantizeLinear") == 3);
}

TEST_CASE("a plan quantizes narrow Convs where the profile does not mind") {
  PassContext context{.profile = load_profile("x86_avx2")};
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,16,2,2] y)
    <float[2,1,1,1] w = {1, 2}, float[16,2,1,1] v = RANDOM> { c = Conv(x, w) y = Conv(c, v) })";
  CHECK(quantized(with_random_constants(text), {{"x", {0, 255}}, {"c", {0, 255}}, {"y", {0, 255}}}, context)
            .count("QuantizeLinear") == 3);
}

// Two Adds between what has no integer form (Elu), as linear Resizes stand in a feature pyramid.
const std::string adds_in_a_row = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
  <float[1,1,1,1] w = {1}, float[1,1,1,1] v = {1}>
  { c = Conv(x, w)  e = Elu(c)  a = Add(c, e)  f = Elu(a)  b = Add(a, f)  y = Conv(b, v) })";
const Ranges ranges_of_adds = {{"x", {0, 255}}, {"c", {0, 255}}, {"e", {0, 255}}, {"a", {0, 255}},
                               {"f", {0, 255}}, {"b", {0, 255}}, {"y", {0, 255}}};

// Adds that read and are read through pairs alone.
int integer_add_count(const Quantized& result) {
  const auto is_integer = [&](const Node& add) {
    const Node* reader = result.graph().single_user(add.outputs[0]);
    return result.graph().producer(add.inputs[0], "DequantizeLinear") &&
           result.graph().producer(add.inputs[1], "DequantizeLinear") && reader &&
           reader->is("QuantizeLinear");
  };
  return static_cast<int>(std::ranges::count_if(result.nodes("Add"), is_integer));
}

TEST_CASE("insert_quantization: Adds in a row from one quantized value to another are integers together") {
  CHECK(integer_add_count(quantized(adds_in_a_row, ranges_of_adds)) == 2);
}

TEST_CASE("insert_quantization: Adds in a row that start in float stay in float") {
  CHECK(integer_add_count(quantized(adds_in_a_row, ranges_of_adds, {.keep_float = {"c"}})) == 0);
}

TEST_CASE("insert_quantization: Adds in a row that end in float stay in float") {
  CHECK(integer_add_count(quantized(adds_in_a_row, ranges_of_adds, {.keep_float = {"y"}})) == 0);
}

TEST_CASE("insert_quantization: a Relu stays where integers are symmetric") {
  PassContext context{.profile = load_profile("x86_avx512_vnni")};
  context.profile.quantization.activation_type = DataType::int8;
  context.profile.quantization.activations_symmetric = true;
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
    <float[1,1,1,1] w = {1}> { c = Conv(x, w)  y = Relu(c) })";
  const Quantized result = quantized(text, {{"x", {-127, 127}}, {"y", {0, 127}}}, context);
  CHECK(result.count("Relu") == 1);
  const Tensors inputs = {Tensor::of<float>({1, 1, 2, 2}, {-100, -1, 0, 127})};
  CHECK(evaluate(result.graph(), inputs)[0] == Tensor::of<float>({1, 1, 2, 2}, {0, 0, 0, 127}));
}

TEST_CASE("insert_quantization: a Concat has one scale where the bounds of activations allow it") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
    <float[1,1,1,1] v = {1}, float[1,1,1,1] w = {1}, float[1,2,1,1] u = {1, 1}>
    { a = Conv(x, v)  p = Relu(a)  b = Conv(x, w)  q = Relu(b)  c = Concat<axis = 1>(p, q)  y = Conv(c, u) })";
  const Quantized result =
      quantized(text, {{"x", {0, 1}}, {"p", {0, 2}}, {"q", {0, 5}}, {"c", {0, 5}}, {"y", {0, 1}}});
  const Node concat = result.nodes("Concat").at(0);
  CHECK(result.scale(concat, 0) == result.scale(concat, 1));
  CHECK(result.count("Relu") == 0);
}

TEST_CASE("insert_quantization: a Concat of a Relu and a signed branch has a scale for each") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
    <float[1,1,1,1] v = {1}, float[1,1,1,1] w = {1}, float[1,2,1,1] u = {1, 1}>
    { a = Conv(x, v)  p = Relu(a)  b = Conv(x, w)  c = Concat<axis = 1>(p, b)  y = Conv(c, u) })";
  const Quantized result =
      quantized(text, {{"x", {0, 1}}, {"p", {0, 2}}, {"b", {-5, 5}}, {"c", {-5, 5}}, {"y", {0, 1}}});
  const Node concat = result.nodes("Concat").at(0);
  CHECK(result.scale(concat, 0) != result.scale(concat, 1));
  CHECK(result.count("Relu") == 0);
}

TEST_CASE("insert_quantization: every result of a Split shares the scale of what is split") {
  const std::string text = R"(g (float[1,2,2,2] x) => (float[1,1,2,2] y, float[1,1,2,2] z)
    <float[1,1,1,1] v = {1}, float[1,1,1,1] w = {1}, int64[2] parts = {1, 1}>
    { a, b = Split<axis = 1>(x, parts)  y = Conv(a, v)  z = Conv(b, w) })";
  const Quantized result =
      quantized(text, {{"x", {-1, 5}}, {"a", {-1, 1}}, {"b", {0, 5}}, {"y", {-1, 1}}, {"z", {0, 5}}});
  const Node split = result.nodes("Split").at(0);
  CHECK(result.graph().producer(split.inputs[0], "DequantizeLinear"));
  CHECK(result.count("QuantizeLinear") == 5);
  for (const ValueId output : split.outputs) {
    const Node* quantize = result.graph().single_user(output);
    REQUIRE(quantize);
    CHECK(result.graph().constant(quantize->inputs[1]) == result.scale(split, 0));
  }
}

TEST_CASE("insert_quantization: a channel of zeros keeps its bias") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,2,2,2] y)
    <float[2,1,1,1] w = {0, 127}, float[2] b = {3.25, 0}> { y = Conv(x, w, b) })";
  const Quantized result = quantized(text, {{"x", {0, 255}}, {"y", {0, 255}}});
  const Node conv = result.nodes("Conv").at(0);
  CHECK(result.integers(conv, 1) == Tensor::of<std::int8_t>({2, 1, 1, 1}, {0, 127}));
  const double integer = result.integers(conv, 2).data<std::int32_t>()[0];
  CHECK(integer * to_doubles(result.scale(conv, 2))[0] == doctest::Approx(3.25).epsilon(1e-6));
}

TEST_CASE("insert_quantization: a channel of zeros without a bias gets the scale 1") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,2,2,2] y)
    <float[2,1,1,1] w = {0, 254}> { y = Conv(x, w) })";
  const Quantized result = quantized(text, {{"x", {0, 255}}, {"y", {0, 255}}});
  CHECK(result.scale(result.nodes("Conv").at(0), 1) == Tensor::of<float>({2}, {1, 2}));
}

TEST_CASE("insert_quantization: a bias beyond 31 bits raises the scale of its channel's weights") {
  // At the scales 1 (input) and 1e-6 / 127 (weight) the bias would be 3.8e11.
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
    <float[1,1,1,1] w = {0.000001}, float[1] b = {3000}> { y = Conv(x, w, b) })";
  const Quantized result = quantized(text, {{"x", {0, 255}}, {"y", {0, 3060}}});
  const Node conv = result.nodes("Conv").at(0);
  const std::int32_t integer = result.integers(conv, 2).data<std::int32_t>()[0];
  CHECK(integer > 1073000000);
  CHECK(integer <= 1 << 30);
  const double bias = static_cast<double>(integer) * to_doubles(result.scale(conv, 2))[0];
  CHECK(bias == doctest::Approx(3000).epsilon(1e-6));
}

TEST_CASE("insert_quantization: the scale of a bias never vanishes") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y)
    <float[1,1,1,1] w = {1e-36}, float[1] b = {0}> { y = Conv(x, w, b) })";
  const Quantized result = quantized(text, {{"x", {0, 1e-15}}, {"y", {0, 1}}});
  const Node conv = result.nodes("Conv").at(0);
  CHECK(to_doubles(result.scale(conv, 2))[0] >= std::numeric_limits<float>::min());
  CHECK(result.integers(conv, 2) == Tensor::of<std::int32_t>({1}, {0}));
}

TEST_CASE("insert_quantization: a value that was always 0 gets the scale 1") {
  const Quantized result = quantized(two_convs, {{"x", {0, 255}}, {"c", {0, 0}}, {"y", {0, 1}}});
  CHECK(result.scale(result.nodes("Conv").at(1), 0) == Tensor::scalar(1.0f));
}

TEST_CASE("insert_quantization: one weight of two Convs is stored once after the quantize pipeline") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y, float[1,1,2,2] z)
    <float[1,1,1,1] w = {3}> { y = Conv(x, w)  z = Conv(x, w) })";
  const Graph graph = with_ranges(text, {{"x", {0, 255}}, {"y", {0, 765}}, {"z", {0, 765}}});
  const PipelineOptions options = {.context = {.profile = load_profile("x86_avx512_vnni")}};
  const PipelineOutcome outcome = run_pipeline(named_pipeline("quantize"), graph, options);
  int weight_count = 0;
  for (const ValueId value : outcome.graph.values()) {
    const auto constant = outcome.graph.constant(value);
    weight_count += constant && constant->dtype() == DataType::int8;
  }
  CHECK(weight_count == 1);
}

TEST_CASE("insert_quantization: readers in float of a value that no layer computes keep the exact value") {
  const std::string text = R"(g (float[1,1,2,2] x) => (float[1,1,2,2] y, float[1,1,2,2] z)
    <float[1,1,1,1] w = {1}> { y = Conv(x, w)  z = Exp(x) })";
  const Quantized result = quantized(text, {{"x", {0, 255}}, {"y", {0, 255}}});
  CHECK(result.graph().value(result.nodes("Exp").at(0).inputs[0]).is_input);
}

TEST_CASE("insert_quantization: a range that is not finite is an error that names it") {
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(quantized(two_convs, {{"x", {0, infinite}}, {"c", {0, 1}}, {"y", {0, 1}}}), UserError);
}

// ONNX's text syntax has no constants of 4 bits.
TEST_CASE("insert_quantization: weights of 4 bits lie in 4 bits, and are cast before they are dequantized") {
  const Graph graph = with_inferred_types(graph_from_text(
      "g (float[1,1,2,2] x) => (float[1,2,2,2] y) <float[2,1,1,1] w = {7, -16}> { y = Conv(x, w) }",
      {.opset = 21}));
  Edit edit(graph);
  for (const char* name : {"x", "y"})
    edit.set_range(graph.find_value(name).value(), Range{.min = 0, .max = 255});
  edit.set_quantization(graph.find_value("w").value(),
                        ValueQuantization{.type = DataType::int4, .bits = 4, .axis = 0, .scales = {1, 2}});
  const PassOutcome outcome = find_pass("insert_quantization")
                                  .run(edit.apply(), PassContext{.profile = load_profile("x86_avx512_vnni")});
  const Graph& result = outcome.graph;
  const std::optional<ValueId> integers = result.find_value("w_quantized");
  REQUIRE(integers);
  CHECK(*result.constant(*integers) == store_integers({7, -8}, {2, 1, 1, 1}, DataType::int4));
  const Node* cast = result.single_user(*integers);
  REQUIRE(cast);
  CHECK(cast->is("Cast"));
  const Node* dequantize = result.single_user(cast->outputs[0]);
  REQUIRE(dequantize);
  CHECK(dequantize->is("DequantizeLinear"));
  CHECK(result.type_of(cast->outputs[0]).dtype == DataType::int8);
  const Tensors outputs = evaluate(result, {Tensor::of<float>({1, 1, 2, 2}, {1, 2, 3, 4})});
  CHECK(to_doubles(outputs[0]) == std::vector<double>{7, 14, 21, 28, 0, 0, 0, 0});
}

TEST_CASE("insert_quantization: scales that do not fit the weight are refused") {
  Edit edit(with_ranges(
      "g (float[1,1,2,2] x) => (float[1,2,2,2] y) <float[2,1,1,1] w = {7, -16}> { y = Conv(x, w) }",
      {{"x", {0, 255}}, {"y", {0, 255}}}));
  edit.set_quantization(edit.draft().find_value("w").value(),
                        ValueQuantization{.type = DataType::int8, .axis = 0, .scales = {1, 2, 3}});
  CHECK_THROWS_AS(find_pass("insert_quantization")
                      .run(edit.apply(), PassContext{.profile = load_profile("x86_avx512_vnni")}),
                  UserError);
}

}  // namespace
}  // namespace edgeopt
