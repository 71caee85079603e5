// MatMul(x, DequantizeLinear<block_size>(int4 w)) -> com.microsoft.MatMulNBits(x, packed w, scales): what
// ONNX Runtime computes without unpacking the weight. A Gemm keeps its bias as an Add.
#include "ir/quantization/block_weights.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

struct BlockMatrix {
  Tensor integers;
  Tensor scales;
  bool is_transposed = false;  // [N, K]
  std::int64_t block_size = 0;
};

std::optional<BlockMatrix> block_matrix_of(const Graph& graph, const Node& node) {
  const Node* dequantize = graph.producer(node.inputs[1], "DequantizeLinear");
  if (!dequantize || dequantize->has_input(2)) return std::nullopt;
  const std::optional<Tensor> integers = graph.constant(dequantize->inputs[0]);
  const std::optional<Tensor> scales = graph.constant(dequantize->inputs[1]);
  const std::int64_t block_size = dequantize->attributes.get_int("block_size", 0);
  const bool is_transposed = node.is("Gemm") && node.attributes.get_int("transB", 0) != 0;
  const std::int64_t axis = dequantize->attributes.get_int("axis", 1);
  if (!integers || !scales || block_size == 0 || integers->dtype() != DataType::int4 ||
      integers->rank() != 2 || scales->dtype() != DataType::float32 || axis != (is_transposed ? 1 : 0))
    return std::nullopt;
  return BlockMatrix{*integers, *scales, is_transposed, block_size};
}

// A matrix with its rows and columns exchanged, unless it is so already.
std::vector<double> by_output(const Tensor& tensor, bool is_transposed) {
  const std::vector<double> elements = to_doubles(tensor);
  if (is_transposed) return elements;
  const auto rows = static_cast<std::size_t>(tensor.dims()[0]);
  const auto columns = static_cast<std::size_t>(tensor.dims()[1]);
  std::vector<double> result;
  for (std::size_t n = 0; n < columns; ++n)
    for (std::size_t k = 0; k < rows; ++k) result.push_back(elements[k * columns + n]);
  return result;
}

Plan replace_block_mat_mul(const Graph& graph, const Node& node) {
  const std::optional<BlockMatrix> matrix = block_matrix_of(graph, node);
  if (!matrix) return no_match();
  if (matrix->block_size < 16 || (matrix->block_size & (matrix->block_size - 1)) != 0)
    return decline("MatMulNBits takes blocks of 16, 32, 64 and so on");
  const Attributes& old = node.attributes;
  if (node.is("Gemm") &&
      (old.get_int("transA", 0) != 0 || old.get_float("alpha", 1) != 1 || old.get_float("beta", 1) != 1))
    return decline("the Gemm has factors or a transposed first matrix");
  const Dims& dims = matrix->integers.dims();
  const BlockWeightLayout layout{.rows = dims[matrix->is_transposed ? 0 : 1],
                                 .columns = dims[matrix->is_transposed ? 1 : 0],
                                 .block_size = matrix->block_size};
  std::vector<std::int32_t> integers;
  for (const double integer : by_output(matrix->integers, matrix->is_transposed))
    integers.push_back(static_cast<std::int32_t>(integer) + 8);  // the zero point that is implied
  const std::vector<double> scales = by_output(matrix->scales, matrix->is_transposed);
  Edit edit(graph);
  edit.set_opset("com.microsoft", 1);
  const std::string& name = graph.name_of(node.inputs[1]);
  ValueId result = edit.add_node(NodeSpec{
      .op_type = "MatMulNBits",
      .inputs = {node.inputs[0], edit.add_constant(packed_blocks(layout, integers), name + "_packed"),
                 edit.add_constant(
                     from_doubles(DataType::float32, {layout.rows * layout.blocks_per_row()}, scales),
                     name + "_block_scales")},
      .attributes =
          {{"K", layout.columns}, {"N", layout.rows}, {"bits", 4}, {"block_size", layout.block_size}},
      .domain = "com.microsoft",
      .name = node.name})[0];
  if (node.has_input(2)) result = edit.add_node("Add", {result, node.inputs[2]});
  edit.replace(node.outputs[0], result);
  return edit;
}

}  // namespace

Pass replace_block_mat_mul_pass() {
  return rewrite_pass("replace_block_mat_mul",
                      {.roots = {"MatMul", "Gemm"},
                       .summary = "Write products with weights in 4-bit blocks as com.microsoft.MatMulNBits.",
                       .fidelity = Fidelity::rounding,
                       .plan = replace_block_mat_mul});
}

}  // namespace edgeopt
