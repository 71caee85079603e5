#include "passes/quantization_widths.h"

#include <doctest/doctest.h>

#include "ir/edit.h"
#include "ir/infer.h"
#include "passes/quantization_plan.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

TEST_CASE("schemes: names say the bits of weights and activations") {
  CHECK(scheme_named("int8").is_int8());
  CHECK(scheme_named("w8a8") == scheme_named("int8"));
  CHECK(scheme_named("float").is_float);
  CHECK(scheme_named("w4a8") == LayerScheme{.weight_bits = 4});
  CHECK(scheme_named("w8a16") == LayerScheme{.activation_bits = 16});
  CHECK(scheme_named("w3a4") == LayerScheme{.weight_bits = 3, .activation_bits = 4});
  for (const char* name : {"int8", "float", "w4a8", "w8a16", "w2a2"})
    CHECK(name_of(scheme_named(name)) == name);
}

TEST_CASE("schemes: what is none is refused") {
  for (const char* name :
       {"", "w4", "a8", "w4a", "w1a8", "w9a8", "w4a12", "w4a8x", "int4", "w-4a8", "w4a99999999999"})
    CHECK_THROWS_AS(scheme_named(name), UserError);
}

TEST_CASE("widths: opset 21 is needed for 16 bits, and for 4 bits unless they lie in 8") {
  CHECK_FALSE(QuantizationWidths{}.need_later_opset());
  CHECK(QuantizationWidths{.scheme = scheme_named("w8a16")}.need_later_opset());
  CHECK(QuantizationWidths{.scheme = scheme_named("w4a8")}.need_later_opset());
  CHECK_FALSE(QuantizationWidths{.scheme = scheme_named("w4a4"), .packs_weights = false}.need_later_opset());
  CHECK(QuantizationWidths{.layers = {{"c", scheme_named("w4a8")}}}.need_later_opset());
}

// x -> Conv -> c -> Conv -> d -> MaxPool -> p -> Conv -> e -> Conv -> y
constexpr const char* chain = R"(
g (float[1,1,4,4] x) => (float[1,1,2,2] y)
<float[1,1,1,1] v = {1}, float[1,1,1,1] w = {2}, float[1,1,1,1] u = {3}, float[1,1,1,1] t = {4}>
{
  c = Conv(x, v)
  d = Conv(c, w)
  p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(d)
  e = Conv(p, u)
  y = Conv(e, t)
}
)";

struct Widened {
  Graph graph;
  int bits(const std::string& name) const {
    const auto& quantization = graph.value(graph.find_value(name).value()).quantization;
    return quantization ? quantization->bits : 0;
  }
};

Widened widened(const QuantizationWidths& widths, const std::string& profile = "x86_avx512_vnni") {
  return {
      with_widths(with_inferred_types(graph_from_text(chain)), load_profile(profile).quantization, widths)};
}

TEST_CASE("widths: weights get theirs, but not those that read the graph's input") {
  const Widened result = widened({.scheme = scheme_named("w4a8")});
  CHECK(result.bits("v") == 8);
  for (const char* name : {"w", "u", "t"}) CHECK(result.bits(name) == 4);
  for (const char* name : {"x", "c", "p", "e"}) CHECK(result.bits(name) == 8);
}

TEST_CASE("widths: the weights of a depthwise Conv keep 8 bits unless it is named") {
  const Graph graph = with_inferred_types(graph_from_text(R"(
g (float[1,2,4,4] x) => (float[1,2,4,4] y)
<float[2,2,1,1] v = {1, 2, 3, 4}, float[2,1,1,1] w = {1, 2}, float[2,2,1,1] u = {1, 2, 3, 4}>
{
  c = Conv(x, v)
  d = Conv<group = 2>(c, w)
  y = Conv(d, u)
}
)"));
  const QuantizationRules rules = load_profile("x86_avx512_vnni").quantization;
  const Widened result{with_widths(graph, rules, {.scheme = scheme_named("w4a8")})};
  CHECK(result.bits("w") == 8);
  CHECK(result.bits("u") == 4);
  const LayerScheme w4a8 = scheme_named("w4a8");
  CHECK(Widened{with_widths(graph, rules, {.scheme = w4a8, .layers = {{"d", w4a8}}})}.bits("w") == 4);
}

TEST_CASE("widths: narrow activations stop at the graph's inputs and before the last layer") {
  const Widened result = widened({.scheme = scheme_named("w4a4")});
  CHECK(result.bits("x") == 8);
  CHECK(result.bits("c") == 4);
  CHECK(result.bits("e") == 8);
}

TEST_CASE("widths: what only moves elements has one width on both sides") {
  const Widened result = widened({.scheme = scheme_named("w4a4")});
  CHECK(result.bits("p") == 4);
  CHECK(result.bits("d") == 4);
}

TEST_CASE("widths: a named layer has its own, even at the edge") {
  const Widened result = widened(
      {.scheme = scheme_named("w4a4"), .layers = {{"d", scheme_named("w8a8")}, {"y", scheme_named("w2a4")}}});
  CHECK(result.bits("w") == 8);
  CHECK(result.bits("c") == 8);
  CHECK(result.bits("t") == 2);
  CHECK(result.bits("e") == 4);
}

TEST_CASE("widths: a profile whose weights have fewer bits keeps them so") {
  CHECK(widened({.scheme = scheme_named("w8a16")}, "x86_avx2").bits("w") == 7);
}

TEST_CASE("widths: what was decided before stays") {
  Edit edit(with_inferred_types(graph_from_text(chain)));
  edit.set_quantization(edit.draft().find_value("w").value(),
                        ValueQuantization{.type = DataType::int8, .bits = 6});
  const Widened result{with_widths(edit.apply(), load_profile("x86_avx512_vnni").quantization,
                                   {.scheme = scheme_named("w4a8")})};
  CHECK(result.bits("w") == 6);
  CHECK(result.bits("u") == 4);
}

TEST_CASE("widths: a layer that is not there, or has no weights, is refused") {
  CHECK_THROWS_AS(widened({.layers = {{"nobody", scheme_named("w4a8")}}}), UserError);
  CHECK_THROWS_AS(widened({.layers = {{"p", scheme_named("w4a8")}}}), UserError);
}

}  // namespace
}  // namespace edgeopt
