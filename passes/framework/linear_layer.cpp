#include "passes/framework/linear_layer.h"

#include <fmt/format.h>

#include "passes/framework/match.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

bool is_linear(const Node& node) {
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
}

std::int64_t group_of(const Node& node) { return node.attributes.get_int("group", 1); }

std::int64_t channel_count_of(const Node& node, const Tensor& weight) {
  if (node.is("Conv")) return weight.dims()[0];
  if (node.is("ConvTranspose")) return weight.dims()[1] * group_of(node);
  const bool is_transposed = node.is("Gemm") && node.attributes.get_int("transB", 0) != 0;
  return weight.dims()[is_transposed ? 0 : 1];
}

// ConvTranspose keeps its weight as [C_in, C_out / group, ...]: group g of the inputs makes group g of the
// outputs.
Tensor scale_transposed_conv(const Tensor& weight, const Tensor& gain, std::int64_t group) {
  Dims grouped = weight.dims();
  grouped[0] /= group;
  grouped.insert(grouped.begin(), group);
  Dims gain_dims(grouped.size(), 1);
  gain_dims[0] = group;
  gain_dims[2] = grouped[2];
  return (weight.reshaped(grouped) * gain.reshaped(gain_dims)).reshaped(weight.dims());
}

Tensor scale_channels(const Node& node, const Tensor& weight, const Tensor& gain) {
  const Tensor exact = in_double(weight);
  if (node.is("ConvTranspose")) return scale_transposed_conv(exact, gain, group_of(node));
  const bool is_first = node.is("Conv") || node.attributes.get_int("transB", 0) != 0;
  return exact * along_axis(gain, weight.rank(), is_first ? 0 : 1);
}

// The bias of a Gemm may be a scalar, [N], [1, N]; one with rows of its own is no bias of channels.
std::variant<Declined, LinearLayer> with_bias(const Graph& graph, LinearLayer layer) {
  if (!layer.node->has_input(2)) return layer;
  const auto bias = graph.constant(layer.node->inputs[2]);
  if (!bias) return Declined{fmt::format("the {} bias is computed, not constant", layer.node->op_type)};
  if (!has_algebra(*bias)) return Declined{"the bias is neither float nor double"};
  const std::size_t rank = layer.node->is("Gemm") ? 2 : 1;
  const auto vector = rank == 1 ? std::optional(*bias) : per_channel(*bias, rank, layer.channel_count);
  if (!vector) return Declined{"the bias differs between rows"};
  layer.bias = *vector;
  return layer;
}

}  // namespace

std::variant<Declined, LinearLayer> linear_layer_of(const Graph& graph, ValueId result) {
  const Node* node = graph.producer(result);
  if (!node || !is_linear(*node))
    return Declined{"the input is not computed by Conv, ConvTranspose, Gemm or MatMul"};
  if (!graph.has_single_use(result))
    return Declined{fmt::format("the {} result is used elsewhere", node->op_type)};
  const auto weight = graph.constant(node->input(1));
  if (!weight) return Declined{fmt::format("the {} weight is computed, not constant", node->op_type)};
  if (!has_algebra(*weight)) return Declined{"the weight is neither float nor double"};
  const std::size_t lowest_rank = node->is("Conv") || node->is("ConvTranspose") ? 3 : 2;
  if (weight->rank() < lowest_rank) return Declined{"the weight has too few dims"};
  if (node->is("MatMul") && (weight->rank() != 2 || rank_of(graph, node->inputs[0]) != std::size_t{2}))
    return Declined{"the MatMul is not of two matrices"};
  return with_bias(graph,
                   {.node = node, .weight = *weight, .channel_count = channel_count_of(*node, *weight)});
}

Edit absorb(const Graph& graph, const LinearLayer& layer, const ChannelAffine& change, ValueId replaced) {
  const Node& node = *layer.node;
  const DataType dtype = layer.weight.dtype();
  Attributes attributes = node.attributes;
  // alpha A B + beta C: alpha stays, beta goes into the new bias.
  Tensor bias = layer.bias ? in_double(*layer.bias) : filled(layer.channel_count, 0);
  if (node.is("Gemm")) {
    bias = bias * filled(1, attributes.get_float("beta", 1));
    attributes.remove("beta");
  }
  if (change.gain) bias = bias * *change.gain;
  bias = bias + change.shift;

  Edit edit(graph);
  ValueId weight = node.inputs[1];
  if (change.gain)
    weight = edit.add_constant(rounded_to(dtype, scale_channels(node, layer.weight, *change.gain)),
                               graph.name_of(node.inputs[1]));
  const std::string bias_name =
      node.has_input(2) ? graph.name_of(node.inputs[2]) : graph.name_of(node.inputs[1]) + "_bias";
  const ValueId new_bias = edit.add_constant(rounded_to(dtype, bias), bias_name);
  const std::string op_type = node.is("MatMul") ? "Gemm" : node.op_type;
  edit.replace(replaced, edit.add_node({.op_type = op_type,
                                        .inputs = {node.inputs[0], weight, new_bias},
                                        .attributes = std::move(attributes),
                                        .name = node.name,
                                        .output_names = {graph.name_of(replaced)}})[0]);
  return edit;
}

std::optional<Tensor> per_channel(const Tensor& constant, std::size_t result_rank,
                                  std::int64_t channel_count) {
  if (!has_algebra(constant) || constant.rank() > result_rank) return std::nullopt;
  const std::size_t missing = result_rank - constant.rank();
  for (std::size_t axis = 0; axis < constant.rank(); ++axis) {
    const std::int64_t dim = constant.dims()[axis];
    const bool is_channel = axis + missing == LinearLayer::channel_axis;
    if (dim != 1 && !(is_channel && dim == channel_count)) return std::nullopt;
  }
  const Tensor vector = in_double(constant).reshaped({constant.element_count()});
  return vector + filled(channel_count, 0);
}

}  // namespace edgeopt
