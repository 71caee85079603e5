#include "runtime/quantization_nodes.h"

namespace edgeopt {
namespace {

DataType integer_type(const ShapedGraph& shaped, const Node& node, const std::optional<Tensor>& zero_point) {
  if (zero_point) return zero_point->dtype();
  if (node.is("QuantizeLinear"))
    return static_cast<DataType>(
        node.attributes.get_int("output_dtype", static_cast<std::int64_t>(DataType::uint8)));
  const auto form = shaped.form(node.inputs[0]);
  return form ? form->dtype : DataType::undefined;
}

}  // namespace

std::optional<Quantization> quantization_of(const ShapedGraph& shaped, const Node& node) {
  const auto scale = shaped.constant(node.inputs[1]);
  const auto input = shaped.form(node.inputs[0]);
  if (!scale || !input || scale->dtype() != DataType::float32 || scale->rank() > 1 || scale->is_empty())
    return std::nullopt;
  if (node.attributes.get_int("block_size", 0) != 0) return std::nullopt;
  std::optional<Tensor> zero_point;
  if (node.has_input(2)) {
    zero_point = shaped.constant(node.inputs[2]);
    if (!zero_point || bit_count(zero_point->dtype()) < 8 || !is_integer(zero_point->dtype()))
      return std::nullopt;
    if (zero_point->element_count() != scale->element_count()) return std::nullopt;
  }
  Quantization result{.dtype = integer_type(shaped, node, zero_point)};
  if (!is_integer(result.dtype)) return std::nullopt;
  const auto scales = scale->data<float>();
  result.scales.assign(scales.begin(), scales.end());
  result.zero_points.assign(result.scales.size(), 0);
  if (zero_point) {
    const std::vector<std::int64_t> zeros = to_int64s(*zero_point);
    result.zero_points.assign(zeros.begin(), zeros.end());
  }
  const std::size_t rank = input->dims.size();
  if (result.is_per_channel())
    result.axis = static_cast<int>(normalize_axis(node.attributes.get_int("axis", 1), rank));
  return result;
}

}  // namespace edgeopt
