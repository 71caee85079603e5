#include "calibration/layers/weighted_layer.h"

#include <algorithm>

#include "ir/rules/window_rules.h"

namespace edgeopt {
namespace {

std::optional<Tensor> float_constant(const Graph& graph, ValueId id) {
  const std::optional<Tensor> constant = id == ValueId::none ? std::nullopt : graph.constant(id);
  return constant && constant->dtype() == DataType::float32 ? constant : std::nullopt;
}

std::optional<WeightedLayer> conv_layer(const Node& node, const Tensor& weight) {
  const std::int64_t groups = node.attributes.get_int("group", 1);
  if (weight.rank() < 3 || groups < 1 || weight.dims()[0] % groups != 0) return std::nullopt;
  WeightedLayer layer{.groups = groups, .is_conv = true, .weight_is_transposed = true};
  layer.outputs = weight.dims()[0] / groups;
  layer.taps = element_count(std::span(weight.dims()).subspan(2));
  layer.features = weight.dims()[1] * layer.taps;
  layer.input_channels = {node.inputs[1], 1};
  return layer;
}

std::optional<WeightedLayer> matrix_layer(const Node& node, const Tensor& weight) {
  if (weight.rank() != 2) return std::nullopt;
  WeightedLayer layer{.weight_is_transposed = node.attributes.get_int("transB", 0) != 0};
  if (node.is("Gemm") &&
      (node.attributes.get_int("transA", 0) != 0 || node.attributes.get_float("alpha", 1) != 1 ||
       node.attributes.get_float("beta", 1) != 1))
    return std::nullopt;
  layer.features = weight.dims()[layer.weight_is_transposed ? 1 : 0];
  layer.outputs = weight.dims()[layer.weight_is_transposed ? 0 : 1];
  layer.input_channels = {node.inputs[1], layer.weight_is_transposed ? 1 : 0};
  return layer;
}

bool is_row(const Tensor& tensor, std::int64_t count) {
  return tensor.rank() == 1 && tensor.dims()[0] == count;
}

// Offset of the weight of (feature, output) in one group's part of the tensor.
std::size_t weight_index(const WeightedLayer& layer, std::int64_t group, std::int64_t feature,
                         std::int64_t output) {
  const std::int64_t index = layer.weight_is_transposed
                                 ? (group * layer.outputs + output) * layer.features + feature
                                 : feature * layer.outputs + output;
  return static_cast<std::size_t>(index);
}

}  // namespace

std::optional<WeightedLayer> weighted_layer_at(const Graph& graph, const Node& node) {
  if (!node.is("Conv") && !node.is("Gemm") && !node.is("MatMul")) return std::nullopt;
  const std::optional<Tensor> weight = float_constant(graph, node.input(1));
  if (!weight || weight->is_empty() || !node.has_input(0) || graph.constant(node.inputs[0]))
    return std::nullopt;
  std::optional<WeightedLayer> layer =
      node.is("Conv") ? conv_layer(node, *weight) : matrix_layer(node, *weight);
  if (!layer) return std::nullopt;
  layer->node = node.id;
  layer->input = node.inputs[0];
  layer->weight = node.inputs[1];
  layer->output = node.outputs[0];
  return layer;
}

std::optional<BiasPlace> bias_place_of(const Graph& graph, const WeightedLayer& layer) {
  const Node& node = graph.node(layer.node);
  const std::int64_t count = layer.groups * layer.outputs;
  if (!node.is("MatMul")) {
    if (!node.has_input(2)) return BiasPlace{node.id, 2, ValueId::none};
    const std::optional<Tensor> bias = float_constant(graph, node.inputs[2]);
    return bias && is_row(*bias, count) ? std::optional(BiasPlace{node.id, 2, node.inputs[2]}) : std::nullopt;
  }
  const Node* add = graph.single_user(node.outputs[0]);
  if (!add || !add->is("Add")) return std::nullopt;
  const std::size_t input = add->inputs[0] == node.outputs[0] ? 1 : 0;
  const std::optional<Tensor> bias = float_constant(graph, add->inputs[input]);
  return bias && is_row(*bias, count) ? std::optional(BiasPlace{add->id, input, add->inputs[input]})
                                      : std::nullopt;
}

std::vector<double> weights_of(const WeightedLayer& layer, const Tensor& weight, std::int64_t group) {
  std::vector<double> weights;
  const std::span<const float> elements = weight.data<float>();
  for (std::int64_t k = 0; k < layer.features; ++k)
    for (std::int64_t m = 0; m < layer.outputs; ++m)
      weights.push_back(static_cast<double>(elements[weight_index(layer, group, k, m)]));
  return weights;
}

void set_weights(const WeightedLayer& layer, std::span<const double> weights, std::int64_t group,
                 Tensor& weight) {
  const std::span<float> elements = weight.mutable_data<float>();
  for (std::int64_t k = 0; k < layer.features; ++k)
    for (std::int64_t m = 0; m < layer.outputs; ++m)
      elements[weight_index(layer, group, k, m)] =
          static_cast<float>(weights[static_cast<std::size_t>(k * layer.outputs + m)]);
}

RowReader::RowReader(const Graph& graph, const WeightedLayer& layer, const Dims& input_dims)
    : layer_(layer), input_dims_(input_dims) {
  if (!layer.is_conv) {
    position_count_ = element_count(std::span(input_dims).first(input_dims.size() - 1));
    return;
  }
  const Node& node = graph.node(layer.node);
  const std::optional<Tensor> weight = graph.constant(layer.weight);
  const Window window =
      window_of(node.attributes, std::span(input_dims).subspan(2), std::span(weight->dims()).subspan(2));
  plane_ = element_count(std::span(input_dims).subspan(2));
  window_count_ = element_count(output_dims(window));
  position_count_ = input_dims[0] * window_count_;
  for_each_index(output_dims(window), [&](std::span<const std::int64_t> o) {
    for_each_index(kernel_dims(window), [&](std::span<const std::int64_t> k) {
      std::int64_t offset = 0;
      bool is_inside = true;
      for (std::size_t axis = 0; axis < window.size(); ++axis) {
        const std::int64_t position = window[axis].position(o[axis], k[axis]);
        is_inside = is_inside && position >= 0 && position < window[axis].input;
        offset = offset * window[axis].input + position;
      }
      tap_offsets_.push_back(is_inside ? static_cast<std::int32_t>(offset) : -1);
    });
  });
}

void RowReader::read_features(const Tensor& input, std::int64_t position, std::int64_t group,
                              std::span<float> row) const {
  const std::span<const float> elements = input.data<float>();
  if (!layer_.is_conv) {
    const auto begin = elements.begin() + position * layer_.features;
    std::copy(begin, begin + layer_.features, row.begin());
    return;
  }
  const std::int64_t channels = layer_.features / layer_.taps;
  const std::int64_t first = (position / window_count_) * input_dims_[1] + group * channels;
  const std::int32_t* offsets = tap_offsets_.data() + position % window_count_ * layer_.taps;
  std::size_t next = 0;
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* plane = elements.data() + (first + c) * plane_;
    for (std::int64_t t = 0; t < layer_.taps; ++t) row[next++] = offsets[t] < 0 ? 0.0F : plane[offsets[t]];
  }
}

void RowReader::read_outputs(const Tensor& output, std::int64_t position, std::int64_t group,
                             std::span<float> row) const {
  const float* elements = output.data<float>().data();
  const std::int64_t channels = layer_.groups * layer_.outputs;
  std::int64_t first = position * channels;
  if (layer_.is_conv)
    first = (position / window_count_ * channels + group * layer_.outputs) * window_count_ +
            position % window_count_;
  for (std::int64_t m = 0; m < layer_.outputs; ++m)
    row[static_cast<std::size_t>(m)] = elements[first + m * (layer_.is_conv ? window_count_ : 1)];
}

std::vector<std::int64_t> spread_positions(std::int64_t position_count, std::int64_t count,
                                           std::int64_t sample) {
  std::vector<std::int64_t> positions;
  const std::int64_t taken = std::min(position_count, count);
  // A large prime walks through the offsets of neighbouring samples.
  const std::int64_t shift = taken == 0 ? 0 : sample * 7919 % std::max<std::int64_t>(1, position_count);
  for (std::int64_t i = 0; i < taken; ++i)
    positions.push_back((i * position_count / taken + shift) % position_count);
  return positions;
}

}  // namespace edgeopt
