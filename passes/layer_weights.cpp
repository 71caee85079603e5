#include "passes/layer_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/op.h"
#include "passes/quantization_plan.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// A bias must fit 32 bits at scale(input) * scale(weight), which must not vanish; a channel of tiny weights
// gets a larger scale for it.
std::vector<float> least_scales(const std::optional<Tensor>& bias, float input_scale, int axis) {
  if (!bias) return {};
  // Half of what 32 bits hold; the rest is for the products, 255 * 127 each, of up to 33000 inputs.
  constexpr double largest = 1 << 30;
  constexpr double rounding_margin = 1.0001;  // over the two roundings to float behind this
  std::vector<float> least;
  for (const double value : to_doubles(*bias)) {
    const double least_product =
        std::max<double>(std::abs(value) / largest, std::numeric_limits<float>::min());
    least.push_back(static_cast<float>(least_product / static_cast<double>(input_scale) * rounding_margin));
  }
  if (axis < 0 && !least.empty()) least = {*std::ranges::max_element(least)};
  return least;
}

std::optional<Tensor> bias_of(const Graph& graph, const Node& node) {
  return node.has_input(2) ? graph.constant(node.inputs[2]) : std::nullopt;
}

}  // namespace

IntegerConstant integer_weight(const Graph& graph, const QuantizationRules& rules, const Node& node,
                               float input_scale) {
  const Value& value = graph.value(node.inputs[1]);
  const Tensor weight = graph.constant(node.inputs[1]).value();
  const QuantizationScheme scheme = weight_scheme(graph, rules, node);
  if (value.quantization && !value.quantization->scales.empty()) {
    const int axis = value.quantization->axis;
    const QuantizedWeight given = while_doing("weight '" + value.name + "'", [&] {
      return quantize_weight_at(weight, axis, scheme, value.quantization->scales);
    });
    return {.integers = given.integers, .scales = given.scales, .axis = axis};
  }
  const OpDefinition* op = find_op(node);
  const int axis = rules.weights_per_channel && op && op->quantization.weight_channel_axis
                       ? op->quantization.weight_channel_axis(node, weight.rank())
                       : -1;
  const QuantizedWeight chosen =
      quantize_weight(weight, axis, scheme, least_scales(bias_of(graph, node), input_scale, axis));
  return {.integers = chosen.integers, .scales = chosen.scales, .axis = axis};
}

std::optional<IntegerConstant> integer_bias(const Graph& graph, const Node& node, const Tensor& weight_scales,
                                            float input_scale) {
  const std::optional<Tensor> bias = bias_of(graph, node);
  if (!bias) return std::nullopt;
  std::vector<float> scales;
  for (const float scale : weight_scales.data<float>())
    scales.push_back(std::max(scale * input_scale, std::numeric_limits<float>::min()));
  const Tensor row = bias->reshaped({bias->element_count()});
  return IntegerConstant{.integers = quantize_bias(row, scales),
                         .scales = Tensor::of<float>(weight_scales.dims(), scales),
                         .axis = weight_scales.rank() == 0 ? -1 : 0};
}

IntegerOperand integer_operand(const Value& value, const QuantizationScheme& otherwise) {
  const Tensor& constant = value.constant.value();
  IntegerOperand result{.scheme = value.quantization ? scheme_of(*value.quantization) : otherwise};
  Range range;
  const std::span<const float> elements = constant.data<float>();
  for (const float element : elements) {
    range.min = std::min<double>(range.min, element);
    range.max = std::max<double>(range.max, element);
  }
  result.parameters = parameters_for(range, result.scheme);
  std::vector<std::int32_t> integers;
  for (const float element : elements)
    integers.push_back(quantize(element, result.parameters, result.scheme));
  result.integers = store_integers(integers, constant.dims(), result.scheme.type);
  return result;
}

}  // namespace edgeopt
