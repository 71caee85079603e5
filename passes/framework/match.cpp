#include "passes/framework/match.h"

#include <algorithm>
#include <cmath>

namespace edgeopt {
namespace {

bool can_be_read_as_doubles(DataType type) {
  switch (type) {
    case DataType::float32:
    case DataType::float64:
    case DataType::int8:
    case DataType::uint8:
    case DataType::int16:
    case DataType::uint16:
    case DataType::int32:
    case DataType::uint32:
    case DataType::int64:
    case DataType::uint64:
    case DataType::boolean:
      return true;
    default:
      return false;
  }
}

std::optional<double> number_in(const Tensor& tensor) {
  if (tensor.is_empty() || !can_be_read_as_doubles(tensor.dtype())) return std::nullopt;
  const std::vector<double> elements = to_doubles(tensor);
  for (const double element : elements)
    if (element != elements[0] || std::signbit(element) != std::signbit(elements[0])) return std::nullopt;
  return elements[0];
}

}  // namespace

std::optional<double> constant_number(const Graph& graph, ValueId id) {
  const std::optional<Tensor> tensor = graph.constant(id);
  return tensor ? number_in(*tensor) : std::nullopt;
}

std::optional<double> constant_scalar(const Graph& graph, ValueId id, std::size_t rank) {
  const std::optional<Tensor> tensor = graph.constant(id);
  if (!tensor || tensor->element_count() != 1 || tensor->rank() > rank) return std::nullopt;
  return number_in(*tensor);
}

std::optional<ConstantOperand> constant_operand(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 2 || !node.has_input(0) || !node.has_input(1)) return std::nullopt;
  const bool first = graph.constant(node.inputs[0]).has_value();
  const bool second = graph.constant(node.inputs[1]).has_value();
  if (first == second) return std::nullopt;
  return ConstantOperand{
      .other = node.inputs[second ? 0 : 1], .constant = node.inputs[second ? 1 : 0], .is_second = second};
}

int used_output_count(const Graph& graph, const Node& node) {
  return static_cast<int>(std::ranges::count_if(node.outputs, [&](ValueId output) {
    return output != ValueId::none && (!graph.uses(output).empty() || graph.is_output(output));
  }));
}

std::optional<std::string> obstacle_to_replacing(const Graph& graph, ValueId output, ValueId same) {
  if (!graph.is_output(output)) return std::nullopt;
  if (graph.is_output(same)) return "two outputs of the graph would be one value";
  if (graph.value(same).producer == NodeId::none)
    return "an output of the graph needs a node that computes it";
  return std::nullopt;
}

bool has_same_shape(const Graph& graph, ValueId a, ValueId b) {
  const auto& left = graph.type_of(a).shape;
  const auto& right = graph.type_of(b).shape;
  return left && right && std::ranges::equal(*left, *right, is_surely_equal);
}

std::optional<std::size_t> rank_of(const Graph& graph, ValueId id) {
  if (id == ValueId::none) return std::nullopt;
  if (const auto tensor = graph.constant(id)) return tensor->rank();
  const auto& shape = graph.type_of(id).shape;
  return shape ? std::optional(shape->size()) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> constant_ints(const Graph& graph, const Node& node,
                                                       std::string_view attribute, int input_index) {
  const auto index = static_cast<std::size_t>(input_index);
  if (input_index < 0 || !node.has_input(index)) return node.attributes.get_ints(attribute);
  const std::optional<Tensor> tensor = graph.constant(node.inputs[index]);
  if (!tensor || !is_integer(tensor->dtype())) return std::nullopt;
  return to_int64s(*tensor);
}

bool is_float_or_double(const Graph& graph, ValueId id) {
  const std::optional<Tensor> tensor = graph.constant(id);
  const DataType type = tensor ? tensor->dtype() : graph.type_of(id).dtype;
  return type == DataType::float32 || type == DataType::float64;
}

}  // namespace edgeopt
