#include "passes/framework/input_affine.h"

#include <algorithm>

#include "passes/framework/match.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

bool is_zero(const Tensor& tensor) {
  return std::ranges::all_of(tensor.data<double>(), [](double element) { return element == 0; });
}

bool pads(const Node& conv) {
  const std::string auto_pad = conv.attributes.get_string("auto_pad", "NOTSET");
  if (auto_pad != "NOTSET") return auto_pad != "VALID";
  return std::ranges::any_of(conv.attributes.get_ints("pads"), [](std::int64_t pad) { return pad != 0; });
}

// [M, C/g, k...] as [g, M/g, C/g, k]: the dims in which a vector over the input channels broadcasts.
Tensor by_group(const Tensor& weight, std::int64_t group) {
  const Dims& dims = weight.dims();
  const std::int64_t kernel = weight.element_count() / (dims[0] * dims[1]);
  return weight.reshaped({group, dims[0] / group, dims[1], kernel});
}

}  // namespace

std::variant<Declined, const Node*> conv_behind(const Graph& graph, ValueId changed,
                                                const ChannelAffine& change) {
  const Node* conv = graph.single_user(changed);
  if (!conv || !conv->is("Conv") || conv->inputs[0] != changed)
    return Declined{"the result is not read by one Conv alone"};
  const auto weight = graph.constant(conv->inputs[1]);
  if (!weight) return Declined{"the Conv weight is computed, not constant"};
  if (!has_algebra(*weight) || weight->is_empty()) return Declined{"the weight is neither float nor double"};
  const auto bias = conv->has_input(2) ? graph.constant(conv->inputs[2]) : Tensor();
  if (!bias) return Declined{"the Conv bias is computed, not constant"};
  const std::int64_t channel_count = weight->dims()[1] * conv->attributes.get_int("group", 1);
  if (change.shift.element_count() != channel_count)
    return Declined{"the parameters do not fit the channels"};
  if (pads(*conv) && !is_zero(change.shift))
    return Declined{"the Conv pads with zeros, which the shift would move"};
  return conv;
}

Edit absorb_from_input(const Graph& graph, const Node& conv, const ChannelAffine& change, ValueId x) {
  const Tensor weight = *graph.constant(conv.inputs[1]);
  const std::int64_t group = conv.attributes.get_int("group", 1);
  const Dims channels = {group, 1, weight.dims()[1], 1};
  const Tensor grouped = by_group(in_double(weight), group);
  const Tensor shifted = grouped * change.shift.reshaped(channels);
  Tensor bias =
      sum_behind(shifted.reshaped({weight.dims()[0], shifted.element_count() / weight.dims()[0]}), 1);
  if (conv.has_input(2)) bias = bias + in_double(*graph.constant(conv.inputs[2]));

  Edit edit(graph);
  edit.set_input(conv.id, 0, x);
  const Tensor scaled = (grouped * change.gain->reshaped(channels)).reshaped(weight.dims());
  edit.set_input(conv.id, 1,
                 edit.add_constant(rounded_to(weight.dtype(), scaled), graph.name_of(conv.inputs[1])));
  if (conv.has_input(2) || !is_zero(bias))
    edit.set_input(
        conv.id, 2,
        edit.add_constant(rounded_to(weight.dtype(), bias), graph.name_of(conv.inputs[1]) + "_bias"));
  return edit;
}

}  // namespace edgeopt
