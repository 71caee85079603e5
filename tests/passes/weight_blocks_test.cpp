// Weights in 4-bit blocks, which ONNX's text syntax cannot show.
#include "passes/weight_blocks.h"

#include <doctest/doctest.h>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/infer.h"
#include "ir/quantization/block_weights.h"
#include "passes/framework/pass.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

// Rounding of float sums of some 40 products.
constexpr double rounding_tolerance = 1e-5;

// A MatMul and a Gemm, with random weights of 40 inputs: one whole block of 32 and a rest.
Graph two_products(int opset) {
  Edit edit{with_inferred_types(graph_from_text(R"(
g (float[3,40] x, float[40,5] a, float[7,40] b) => (float[3,5] y, float[3,7] z)
<float[7] c = {1, 2, 3, 4, 5, 6, 7}>
{
  y = MatMul(x, a)
  z = Gemm<transB = 1>(x, b, c)
}
)",
                                                {.opset = opset}))};
  const Graph open = edit.draft();
  const Tensors weights = random_inputs(open, 1);
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    const ValueId input = open.inputs()[i];
    edit.replace(input, edit.add_constant(weights[i], open.name_of(input) + "_weight"));
    edit.remove_input(input);
  }
  return with_inferred_types(edit.apply());
}

Graph in_blocks(const Graph& graph) {
  return find_pass("quantize_weight_blocks").run(with_weight_blocks(graph, {}, {}), {}).graph;
}

std::size_t count(const Graph& graph, const std::string& op_type) {
  std::size_t found = 0;
  for (const NodeId id : graph.nodes()) found += graph.node(id).op_type == op_type ? 1 : 0;
  return found;
}

TEST_CASE("weight blocks: every block of 32 has a scale, the rest too") {
  const Graph graph = in_blocks(two_products(21));
  CHECK(count(graph, "DequantizeLinear") == 2);
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!node.is("DequantizeLinear")) continue;
    const bool is_transposed = node.attributes.get_int("axis", -1) == 1;
    CHECK(node.attributes.get_int("block_size", 0) == 32);
    CHECK(graph.constant(node.inputs[0])->dtype() == DataType::int4);
    CHECK(graph.constant(node.inputs[1])->dims() == (is_transposed ? Dims{7, 2} : Dims{2, 5}));
  }
}

TEST_CASE("weight blocks: the products stay close") {
  const Graph before = two_products(21);
  const Tensors inputs = random_inputs(before, 2);
  const std::vector<double> wanted = to_doubles(evaluate(before, inputs)[0]);
  const std::vector<double> given = to_doubles(evaluate(in_blocks(before), inputs)[0]);
  double error = 0, energy = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    error += (wanted[i] - given[i]) * (wanted[i] - given[i]);
    energy += wanted[i] * wanted[i];
  }
  // Four bits leave about a hundredth of the energy.
  CHECK(error < 0.05 * energy);
  CHECK(error > 0);
}

TEST_CASE("weight blocks: left alone below opset 21, and where a node stays in float") {
  const Graph early = two_products(18);
  CHECK(count(in_blocks(early), "DequantizeLinear") == 0);
  const Graph graph = two_products(21);
  const Graph marked = with_weight_blocks(graph, {}, {"y"});
  CHECK(count(find_pass("quantize_weight_blocks").run(marked, {}).graph, "DequantizeLinear") == 1);
}

TEST_CASE("replace_block_mat_mul: MatMulNBits gives what the blocks give") {
  const Graph blocks = in_blocks(two_products(21));
  const PassOutcome outcome = find_pass("replace_block_mat_mul").run(blocks, {});
  CHECK(outcome.rewrite_count == 2);
  CHECK(count(outcome.graph, "MatMulNBits") == 2);
  CHECK(outcome.graph.opset("com.microsoft") == 1);
  const Tensors inputs = random_inputs(blocks, 3);
  const auto difference =
      difference_beyond(evaluate(blocks, inputs), evaluate(outcome.graph, inputs), rounding_tolerance);
  CHECK_MESSAGE(!difference, difference.value_or(""));
}

TEST_CASE("block weights: integers are packed low bits first, and come back") {
  const BlockWeightLayout layout{.rows = 1, .columns = 18, .block_size = 16};
  std::vector<std::int32_t> integers;
  for (int k = 0; k < 18; ++k) integers.push_back(k % 16);
  const Tensor packed = packed_blocks(layout, integers);
  CHECK(packed.dims() == Dims{1, 2, 8});
  CHECK(packed.bytes()[0] == std::byte{0x10});
  const std::vector<float> weights =
      unpacked_blocks(layout, packed, Tensor::of<float>({2}, {1, 2}), std::nullopt);
  CHECK(weights[0] == -8);
  CHECK(weights[15] == 7);
  CHECK(weights[17] == -14);  // (1 - 8) * 2
  const Tensor zeros = Tensor::of<std::uint8_t>({1, 1}, {0x21});
  CHECK(unpacked_blocks(layout, packed, Tensor::of<float>({2}, {1, 2}), zeros)[17] == -2);  // (1 - 2) * 2
}

TEST_CASE("block weights: sizes that contradict each other are refused") {
  CHECK_THROWS_AS(block_weight_layout({{"K", 16}, {"N", 1}, {"bits", 4}, {"block_size", 24}}), UserError);
  CHECK_THROWS_AS(block_weight_layout({{"K", 0}, {"N", 1}, {"bits", 4}, {"block_size", 16}}), UserError);
  const BlockWeightLayout layout{.rows = 1, .columns = 16, .block_size = 16};
  const Tensor scale = Tensor::of<float>({1}, {1});
  CHECK_THROWS_AS(unpacked_blocks(layout, Tensor(DataType::uint8, {7}), scale, std::nullopt), UserError);
  CHECK_THROWS_AS(
      unpacked_blocks(layout, Tensor(DataType::uint8, {8}), Tensor(DataType::float32, {2}), std::nullopt),
      UserError);
}

}  // namespace
}  // namespace edgeopt
