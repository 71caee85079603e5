#include "passes/equalization_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "ir/op.h"
#include "ir/tied_dims.h"
#include "passes/framework/match.h"

namespace edgeopt {
namespace {

bool is_layer(const Node& node) { return node.is("Conv") || node.is("Gemm") || node.is("MatMul"); }

std::int32_t narrow(std::int64_t count) { return static_cast<std::int32_t>(count); }

// Conv keeps its weight as [O, I / group, ...]: output channel o reads the input channels of its group.
void count_conv_channels(const Node& node, const Tensor& weight, EqualizedLayer& layer) {
  const std::int64_t group = node.attributes.get_int("group", 1);
  const std::int64_t outputs = weight.dims()[0];
  const std::int64_t inputs_per_group = weight.dims()[1];
  const std::int64_t outputs_per_group = outputs / group;
  const std::int64_t taps = weight.element_count() / (outputs * inputs_per_group);
  layer.output_count = narrow(outputs);
  layer.input_count = narrow(inputs_per_group * group);
  for (std::int64_t o = 0; o < outputs; ++o)
    for (std::int64_t i = 0; i < inputs_per_group; ++i) {
      const std::int64_t input = o / outputs_per_group * inputs_per_group + i;
      layer.output_channel.insert(layer.output_channel.end(), static_cast<std::size_t>(taps), narrow(o));
      layer.input_channel.insert(layer.input_channel.end(), static_cast<std::size_t>(taps), narrow(input));
    }
}

void count_matrix_channels(const Node& node, const Tensor& weight, EqualizedLayer& layer) {
  const bool is_transposed = node.attributes.get_int("transB", 0) != 0;
  const std::int64_t rows = weight.dims()[0];
  const std::int64_t columns = weight.dims()[1];
  layer.output_count = narrow(is_transposed ? rows : columns);
  layer.input_count = narrow(is_transposed ? columns : rows);
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column) {
      layer.output_channel.push_back(narrow(is_transposed ? row : column));
      layer.input_channel.push_back(narrow(is_transposed ? column : row));
    }
}

std::optional<std::string> obstacle_in(const Graph& graph, const Node& node) {
  const auto weight = graph.constant(node.input(1));
  if (!weight) return "the weight is computed, not constant";
  if (weight->dtype() != DataType::float32 || weight->is_empty()) return "the weight is not float";
  if (!graph.has_single_use(node.inputs[1])) return "another node reads the same weight";
  if (node.is("Gemm") && node.attributes.get_int("transA", 0)) return "the first matrix is transposed";
  if (node.is("MatMul") && weight->rank() != 2) return "the weight is no matrix";
  return std::nullopt;
}

// f(s x) == s f(x) for s > 0 with input 0 as x, and the channels of axis 1 stay apart.
bool passes_factors(const Graph& graph, const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op || !op->is_homogeneous) return false;
  const std::vector<Operand> inputs = operands_of(graph, node);
  const auto further = std::span(inputs).subspan(1);
  if (std::ranges::any_of(further, [](const Operand& each) { return is_floating_point(each.type.dtype); }))
    return false;
  const InferCall call{.node = node, .opset = graph.opset(node.domain), .inputs = inputs};
  const TiedDims channels{.dims = {input_dim(0, 1), output_dim(0, 1)}};
  return op->is_elementwise || std::ranges::count(tied_dims_of(*op, call), channels) > 0;
}

// [N, C, H, W] -> [N, C H W], in the order of the elements.
bool flattens_channels(const Graph& graph, const Node& node) {
  if (!keeps_element_order(node)) return false;
  const auto& before = graph.type_of(node.inputs[0]).shape;
  const auto& after = graph.type_of(node.outputs[0]).shape;
  if (!before || !after || before->size() < 2 || after->size() != 2) return false;
  std::int64_t count = 1;
  for (std::size_t i = 1; i < before->size(); ++i) {
    if (!(*before)[i].is_number()) return false;
    count *= (*before)[i].size;
  }
  return (*after)[1] == Dim(count);
}

std::variant<Declined, LayerLink> end_of(LayerLink link, const EqualizedLayer& first, const Node& node,
                                         const Graph& graph) {
  const auto found = equalized_layer_of(graph, node);
  if (const auto* declined = std::get_if<Declined>(&found))
    return Declined{fmt::format("the {} behind it: {}", node.op_type, declined->reason)};
  const std::int32_t inputs = std::get<EqualizedLayer>(found).input_count;
  if (inputs % first.output_count != 0 || (node.is("Conv") && inputs != first.output_count))
    return Declined{fmt::format("{} channels meet {} inputs", first.output_count, inputs)};
  link.second = node.id;
  link.repeat = inputs / first.output_count;
  return link;
}

}  // namespace

std::variant<Declined, EqualizedLayer> equalized_layer_of(const Graph& graph, const Node& node) {
  if (!is_layer(node)) return Declined{};
  if (const auto obstacle = obstacle_in(graph, node)) return Declined{*obstacle};
  const Tensor weight = *graph.constant(node.inputs[1]);
  EqualizedLayer layer{.node = node.id, .weight = to_doubles(weight)};
  if (node.is("Conv"))
    count_conv_channels(node, weight, layer);
  else
    count_matrix_channels(node, weight, layer);
  if (!node.has_input(2)) return layer;
  const auto bias = graph.constant(node.inputs[2]);
  if (!bias) return Declined{"the bias is computed, not constant"};
  if (bias->rank() == 0 || bias->dims().back() != layer.output_count ||
      bias->element_count() != layer.output_count)
    return Declined{"the bias is not one number per channel"};
  layer.bias = to_doubles(*bias);
  return layer;
}

std::variant<Declined, LayerLink> link_behind(const Graph& graph, const EqualizedLayer& layer) {
  LayerLink link{.first = layer.node};
  ValueId value = graph.node(layer.node).outputs[0];
  while (true) {
    const Node* user = graph.single_user(value);
    if (!user && graph.is_output(value)) return Declined{};
    if (!user) return Declined{"several nodes read its result"};
    link.between.push_back(value);
    if (user->is("MatMul")) return Declined{"MatMul reads its result"};
    if (user->input(0) != value) return Declined{fmt::format("{} reads its result", user->op_type)};
    if (is_layer(*user)) return end_of(std::move(link), layer, *user, graph);
    if (user->is("Clip")) return Declined{"the bound of a Clip would have to move with each channel"};
    if (!passes_factors(graph, *user) && !flattens_channels(graph, *user))
      return Declined{fmt::format("{} reads its result", user->op_type)};
    value = user->outputs[0];
  }
}

}  // namespace edgeopt
