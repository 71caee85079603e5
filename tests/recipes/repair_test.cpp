// Repairs from damages that are made up.
#include "recipes/repair.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "ir/infer.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

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

// Layers a, b and c behind one at 8 bits that reads the input; c has four times the weights of the others.
QuantizedModel narrow_model(const QuantizeOptions& options) {
  const Graph prepared = with_inferred_types(graph_from_text(with_random_constants(
                                                                 R"(g (float[1,8] x) => (float[1,8] y)
         <float[8,8] first = RANDOM, float[8,8] a_w = RANDOM, float[8,32] b_w = RANDOM, float[32,8] c_w = RANDOM,
          float[8,8] last = RANDOM>
         { f = MatMul(x, first) r = Relu(f) a = MatMul(r, a_w) s = Relu(a) b = MatMul(s, b_w) t = Relu(b)
           c = MatMul(t, c_w) u = Relu(c) y = MatMul(u, last) })"),
                                                             {.opset = 21}));
  QuantizedModel quantized;
  quantized.observer = ObserverMethod::entropy;
  quantized.prepared = with_widths(prepared, options.profile.quantization, options.widths);
  return quantized;
}

QuantizeOptions four_bits() {
  return {.profile = load_profile("x86_avx512_vnni"), .widths = {.scheme = scheme_named("w4a8")}};
}

TEST_CASE("repair: layers of fewer than 8 bits get 8 before any goes to float") {
  const QuantizeOptions options = four_bits();
  const std::vector<Repair> repairs =
      possible_repairs(narrow_model(options),
                       {.layers = {layer("a", 8, 64), layer("b", 3, 256), layer("c", 1, 256)}}, options);
  REQUIRE(repairs.size() > 4);
  CHECK(repairs[1].what == "1 layer at 8 bits: a");
  CHECK(repairs[1].options.widths.layers.at("a") == scheme_named("int8"));
  CHECK(repairs[1].options.keep_float.empty());
  CHECK(repairs[1].arguments == std::vector<std::string>{"--observer entropy", "--layer-scheme a=int8"});
  CHECK(repairs[2].what == "2 layers at 8 bits: a, b");
  CHECK(repairs[3].what == "3 layers at 8 bits: a, b, c");
  CHECK(repairs[4].options.keep_float == std::vector<std::string>{"a"});
  CHECK(repairs[4].options.widths.layers.size() == 2);
}

TEST_CASE("repair: of equal damage the layer of fewer weights gets 8 bits") {
  const QuantizeOptions options = four_bits();
  const std::vector<Repair> repairs =
      possible_repairs(narrow_model(options), {.layers = {layer("b", 5, 1), layer("a", 5, 1)}}, options);
  CHECK(repairs.at(1).what == "1 layer at 8 bits: a");
}

TEST_CASE("repair: 16 bits of activations stay where weights get 8") {
  QuantizeOptions options = four_bits();
  options.widths.scheme = scheme_named("w4a16");
  const std::vector<Repair> repairs =
      possible_repairs(narrow_model(options), {.layers = {layer("b", 5, 1), layer("a", 1, 1)}}, options);
  CHECK(repairs.at(1).options.widths.layers.at("b") == scheme_named("w8a16"));
}

TEST_CASE("repair: left at its bits when a layer has 8 or more, or bits were asked for that are no fewer") {
  QuantizeOptions options = four_bits();
  options.widths.layers["a"] = scheme_named("int8");
  const std::vector<Repair> repairs = possible_repairs(
      narrow_model(options), {.layers = {layer("f", 9, 64), layer("a", 8, 64), layer("b", 1, 64)}}, options);
  CHECK(repairs.at(1).what == "1 layer at 8 bits: b");
  for (const Repair& repair : repairs) CHECK_FALSE(repair.options.widths.layers.contains("f"));
}

TEST_CASE("repair: left at its bits when a model is int8 throughout") {
  QuantizeOptions options = four_bits();
  options.widths = {};
  for (const Repair& repair :
       possible_repairs(narrow_model(options), {.layers = {layer("a", 8, 64), layer("b", 1, 64)}}, options))
    CHECK(repair.options.widths.layers.empty());
}

}  // namespace
}  // namespace edgeopt
