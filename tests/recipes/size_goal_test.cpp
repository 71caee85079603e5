// Widths of weights for a size, on three layers that differ in size and in what they do to the output.
#include "recipes/size_goal.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

Tensor random_tensor(const Dims& dims, RandomStream& random) {
  Tensor tensor(DataType::float32, dims);
  for (float& element : tensor.mutable_data<float>()) element = static_cast<float>(0.2 * random.normal());
  return tensor;
}

SampleSource seeded_samples() {
  const auto read = [](std::int64_t index) {
    RandomStream random(static_cast<std::uint64_t>(index), "size goal test");
    return Sample{.inputs = {random_tensor({1, 8, 4, 4}, random)}};
  };
  return {.count = 6, .description = "seeded", .read = read};
}

std::string text_of(const std::string& name, const Dims& dims, RandomStream& random) {
  const Tensor tensor = random_tensor(dims, random);
  return fmt::format("float[{}] {} = {{{:.6f}}}", fmt::join(dims, ","), name,
                     fmt::join(tensor.data<float>(), ", "));
}

// u and v have thousands of weights; w has so few that 4 bits save nothing.
Graph three_layers() {
  RandomStream random(1, "weights of the size goal test");
  const std::string u = text_of("u", {24, 8, 3, 3}, random);
  const std::string v = text_of("v", {48, 24, 3, 3}, random);
  const std::string w = text_of("w", {1, 48, 1, 1}, random);
  return with_inferred_types(
      graph_from_text(fmt::format("g (float[1,8,4,4] x) => (float[1,1,4,4] y) <{}, {}, {}>", u, v, w) + R"(
    { a = Conv<pads = [1, 1, 1, 1]>(x, u)  b = Relu(a)  c = Conv<pads = [1, 1, 1, 1]>(b, v)  d = Relu(c)
      y = Conv(d, w) })"));
}

QuantizeOptions int8_options() {
  QuantizeOptions options;
  options.profile = load_profile("x86_avx512_vnni");
  options.observers = {{.method = ObserverMethod::minmax}};
  return options;
}

double bytes_of(const Graph& graph) { return static_cast<double>(model_to_bytes(graph).size()); }

double int8_bytes() {
  static const double bytes =
      bytes_of(quantize_model(three_layers(), seeded_samples(), int8_options()).graph);
  return bytes;
}

SizedModel sized(double largest_bytes, const QuantizeOptions& options = int8_options()) {
  return quantize_to_size(three_layers(), seeded_samples(), options, largest_bytes);
}

int bits_of(const WidthChoice& choice, const std::string& node) {
  for (const LayerWidths& layer : choice.layers)
    if (std::ranges::count(layer.nodes, node) > 0) return layer.widths[layer.chosen].bits;
  return 0;
}

struct Sum {
  double damage = 0;
  double bytes = 0;
};

// The least damage within the bytes, by trying all choices of the layers from k on.
double least_by_trying(const WidthChoice& choice, std::size_t k, Sum sum, double largest_bytes) {
  if (sum.bytes > largest_bytes) return std::numeric_limits<double>::infinity();
  if (k == choice.layers.size()) return sum.damage;
  double least = std::numeric_limits<double>::infinity();
  for (const WeightWidth& width : choice.layers[k].widths) {
    const Sum longer{sum.damage + width.damage, sum.bytes + width.bytes};
    least = std::min(least, least_by_trying(choice, k + 1, longer, largest_bytes));
  }
  return least;
}

TEST_CASE("size goal: what int8 meets stays int8, byte for byte") {
  const SizedModel met = sized(int8_bytes());
  CHECK(met.is_met());
  CHECK_FALSE(met.choice);
  CHECK(met.model.graph == quantize_model(three_layers(), seeded_samples(), int8_options()).graph);
}

TEST_CASE("size goal: a little less than int8 takes 4 bits in one layer") {
  const SizedModel met = sized(int8_bytes() - 200);
  REQUIRE(met.choice);
  CHECK(met.is_met());
  CHECK(met.bytes <= int8_bytes() - 200);
  CHECK(met.bytes == bytes_of(met.model.graph));
  // Either of the two large ones would do; the other keeps its 8 bits.
  CHECK(bits_of(*met.choice, "a") + bits_of(*met.choice, "c") == 12);
  CHECK(bits_of(*met.choice, "y") == 8);
}

TEST_CASE("size goal: no other widths do less damage in sum at this size") {
  const Graph ranged = quantize_model(three_layers(), seeded_samples(), int8_options()).prepared;
  const WidthStudy study(ranged, seeded_samples(), int8_options());
  const double smallest = study.choose(0).smallest_bytes;
  for (double largest = smallest; largest < int8_bytes() + 500; largest += 400) {
    const WidthChoice choice = study.choose(largest);
    CHECK(choice.is_within);
    CHECK(choice.expected_bytes <= largest);
    double damage = 0;
    for (const LayerWidths& layer : choice.layers) damage += layer.widths[layer.chosen].damage;
    CHECK(damage == least_by_trying(choice, 0, {.bytes = choice.smallest_bytes}, largest));
  }
}

TEST_CASE("size goal: the widths that it found give the same model again") {
  const SizedModel met = sized(int8_bytes() - 3000);
  REQUIRE(met.choice);
  QuantizeOptions again = int8_options();
  again.widths = met.choice->widths;
  CHECK(quantize_model(three_layers(), seeded_samples(), again).graph == met.model.graph);
}

TEST_CASE("size goal: out of reach gives the smallest file, and says how small") {
  const SizedModel missed = sized(100);
  REQUIRE(missed.choice);
  CHECK_FALSE(missed.is_met());
  CHECK(bits_of(*missed.choice, "a") == 4);
  CHECK(bits_of(*missed.choice, "c") == 4);
  CHECK(missed.limited_because.find(std::to_string(static_cast<int>(missed.bytes)) + " bytes") !=
        std::string::npos);
  // Half of the 1728 + 10368 weights, but for the nodes that unpack them.
  CHECK(missed.bytes < int8_bytes() - 5500);
}

TEST_CASE("size goal: left alone where 4 bits take more of the file than 8") {
  const SizedModel missed = sized(100);
  REQUIRE(missed.choice);
  CHECK(bits_of(*missed.choice, "y") == 8);
}

TEST_CASE("size goal: left alone when the options name the layer") {
  QuantizeOptions options = int8_options();
  options.widths.layers["c"] = scheme_named("int8");
  const SizedModel missed = sized(100, options);
  REQUIRE(missed.choice);
  CHECK(bits_of(*missed.choice, "c") == 0);
  CHECK(missed.choice->widths.layers.at("c").is_int8());
  CHECK(bits_of(*missed.choice, "a") == 4);
}

TEST_CASE("size goal: left at 8 bits, with the reason, when the profile reads no weights of 4 bits") {
  QuantizeOptions options = int8_options();
  options.profile.quantization.packed_weights = false;
  const SizedModel missed = sized(int8_bytes() - 1, options);
  CHECK_FALSE(missed.choice);
  CHECK(missed.limited_because.find("profile x86_avx512_vnni") != std::string::npos);
  CHECK(missed.bytes == int8_bytes());
}

TEST_CASE("size goal: left at 8 bits, with the reason, when weights shall lie in whole bytes") {
  QuantizeOptions options = int8_options();
  options.widths.packs_weights = false;
  const SizedModel missed = sized(int8_bytes() - 1, options);
  CHECK_FALSE(missed.choice);
  CHECK(missed.limited_because.find("--weight-storage int8") != std::string::npos);
}

TEST_CASE("weight widths: the scheme's own and those that take less, or more") {
  CHECK(possible_weight_bits(scheme_named("int8")) == std::vector<int>{8, 4});
  CHECK(possible_weight_bits(scheme_named("w6a8")) == std::vector<int>{6, 4});
  CHECK(possible_weight_bits(scheme_named("w4a8")) == std::vector<int>{8, 4});
  CHECK(possible_weight_bits(scheme_named("w3a4")) == std::vector<int>{8, 3});
}

}  // namespace
}  // namespace edgeopt
