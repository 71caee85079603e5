// x -> MatMul(w)  becomes  x -> MatMul(DequantizeLinear<axis, block_size>(integers, scales)) where
// Value::quantization of the weight says so; activations stay in float.
#include <algorithm>

#include "ir/quantization_scheme.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_blocks = 21;  // ONNX Operator changelog, DequantizeLinear

// A matrix as rows of one block each: block b of line i holds the elements (i, b * size ...) along `axis`.
struct Blocks {
  Dims dims;
  std::size_t axis = 0;
  std::int64_t size = 0;

  std::int64_t lines() const { return dims[1 - axis]; }
  std::int64_t length() const { return dims[axis]; }
  std::int64_t per_line() const { return (length() + size - 1) / size; }
  std::size_t element(std::int64_t line, std::int64_t k) const {
    return static_cast<std::size_t>(axis == 0 ? k * dims[1] + line : line * dims[1] + k);
  }
  std::size_t scale(std::int64_t line, std::int64_t block) const {
    return static_cast<std::size_t>(axis == 0 ? block * lines() + line : line * per_line() + block);
  }
};

struct Quantized {
  Tensor integers;
  Tensor scales;
};

Quantized quantized_blocks(const Tensor& weight, const Blocks& blocks, const QuantizationScheme& scheme) {
  const std::int64_t count = blocks.lines() * blocks.per_line();
  Tensor rows(DataType::float32, {count, blocks.size});
  for (std::int64_t line = 0; line < blocks.lines(); ++line)
    for (std::int64_t k = 0; k < blocks.length(); ++k) {
      const std::int64_t row = line * blocks.per_line() + k / blocks.size;
      rows.mutable_data<float>()[static_cast<std::size_t>(row * blocks.size + k % blocks.size)] =
          weight.data<float>()[blocks.element(line, k)];
    }
  const QuantizedWeight result = quantize_weight(rows, 0, scheme);
  const std::vector<std::int64_t> row_integers = to_int64s(result.integers);
  std::vector<std::int32_t> integers(static_cast<std::size_t>(weight.element_count()));
  std::vector<float> scales(static_cast<std::size_t>(count));
  for (std::int64_t line = 0; line < blocks.lines(); ++line) {
    for (std::int64_t k = 0; k < blocks.length(); ++k) {
      const std::int64_t row = line * blocks.per_line() + k / blocks.size;
      integers[blocks.element(line, k)] = static_cast<std::int32_t>(
          row_integers[static_cast<std::size_t>(row * blocks.size + k % blocks.size)]);
    }
    for (std::int64_t b = 0; b < blocks.per_line(); ++b)
      scales[blocks.scale(line, b)] =
          result.scales.data<float>()[static_cast<std::size_t>(line * blocks.per_line() + b)];
  }
  Dims scale_dims = blocks.dims;
  scale_dims[blocks.axis] = blocks.per_line();
  return {.integers = store_integers(integers, weight.dims(), scheme.type),
          .scales = Tensor::of<float>(scale_dims, scales)};
}

Plan quantize_blocks(const Graph& graph, const Node& node) {
  const Value& value = graph.value(node.inputs[1]);
  if (!value.quantization || value.quantization->block_size <= 0) return no_match();
  if (graph.opset() < first_opset_with_blocks)
    return decline("blocks need opset 21, and the model is of an earlier one");
  const std::optional<Tensor> weight = graph.constant(node.inputs[1]);
  if (!weight || weight->rank() != 2 || weight->dtype() != DataType::float32)
    return decline("the weight is not a constant float matrix");
  const ValueQuantization& decided = *value.quantization;
  const Blocks blocks{weight->dims(), decided.axis == 0 ? std::size_t{0} : std::size_t{1},
                      decided.block_size};
  const Quantized result = quantized_blocks(*weight, blocks, scheme_of(decided));
  Edit edit(graph);
  const Attributes attributes = {{"axis", static_cast<std::int64_t>(blocks.axis)},
                                 {"block_size", decided.block_size}};
  edit.set_input(
      node.id, 1,
      edit.add_node(NodeSpec{.op_type = "DequantizeLinear",
                             .inputs = {edit.add_constant(result.integers, value.name + "_quantized"),
                                        edit.add_constant(result.scales, value.name + "_scale")},
                             .attributes = attributes,
                             .output_names = {value.name + "_dequantized"}})[0]);
  return edit;
}

}  // namespace

Pass quantize_weight_blocks_pass() {
  return rewrite_pass("quantize_weight_blocks",
                      {.roots = {"MatMul", "Gemm"},
                       .summary = "Store weights that were marked for it in blocks of few bits.",
                       .fidelity = Fidelity::lossy,
                       .plan = quantize_blocks});
}

}  // namespace edgeopt
