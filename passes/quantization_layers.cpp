#include "passes/quantization_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/op.h"

namespace edgeopt {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_float(const Graph& graph, ValueId id) {
  return id != ValueId::none && graph.type_of(id).dtype == DataType::float32;
}

std::optional<double> bound_of(const Graph& graph, const Node& clip, std::size_t index, double otherwise) {
  if (!clip.has_input(index)) return otherwise;
  const std::optional<Tensor> bound = graph.constant(clip.inputs[index]);
  if (!bound || bound->element_count() != 1) return std::nullopt;
  return to_double(*bound);
}

// The interval that the activation confines its output to; nothing if it is none or not constant.
std::optional<Range> bounds_of(const Graph& graph, const Node& activation) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (activation.is("Relu")) return Range{.min = 0, .max = infinite};
  if (!activation.is("Clip")) return std::nullopt;
  const std::optional<double> min = bound_of(graph, activation, 1, -infinite);
  const std::optional<double> max = bound_of(graph, activation, 2, infinite);
  // Quantized ranges include 0, so an activation that never gives 0 cannot be a saturation.
  if (!min || !max || *min > 0 || *max < 0) return std::nullopt;
  return Range{.min = *min, .max = *max};
}

// Add of one constant number per column, as ONNX Runtime takes it into a quantized Gemm.
const Node* bias_add_behind(const Graph& graph, const Node& matmul) {
  const Node* add = graph.single_user(matmul.outputs[0]);
  if (!add || !add->is("Add")) return nullptr;
  const ValueId other = add->inputs[0] == matmul.outputs[0] ? add->inputs[1] : add->inputs[0];
  const std::optional<Tensor> bias = graph.constant(other);
  const std::optional<Tensor> weight = graph.constant(matmul.inputs[1]);
  const bool is_row = bias && weight && bias->rank() == 1 && bias->dims()[0] == weight->dims().back();
  return is_row ? add : nullptr;
}

void take_activation(const Graph& graph, const QuantizationRules& rules, Layer& layer) {
  const Node* next = graph.single_user(layer.output);
  if (!next || !contains(rules.fused_activations, next->op_type)) return;
  layer.bounds = bounds_of(graph, *next);
  if (!layer.bounds) return;
  layer.activation = next->id;
  layer.output = next->outputs[0];
}

std::optional<std::string> reason_against_bias(const Graph& graph, const Node& node, std::size_t index) {
  if (!node.has_input(index)) return std::nullopt;
  const std::optional<Tensor> bias = graph.constant(node.inputs[index]);
  if (!bias) return "the bias is computed, not constant";
  const std::optional<Dims> output = graph.static_dims_of(node.inputs[1]);
  const bool is_wide =
      bias->element_count() == 1 && output && !output->empty() && *std::ranges::max_element(*output) > 1;
  return is_wide && node.is("Gemm") ? std::optional<std::string>("the bias is one number for all outputs")
                                    : std::nullopt;
}

std::optional<std::string> reason_against_gemm(const Graph& graph, const Node& node) {
  if (node.attributes.get_float("alpha", 1) != 1 || node.attributes.get_float("beta", 1) != 1)
    return "alpha or beta is not 1";
  if (node.attributes.get_int("transA", 0)) return "the first matrix is transposed";
  if (!node.has_input(2)) return std::nullopt;
  const std::optional<Tensor> bias = graph.constant(node.inputs[2]);
  if (bias && bias->rank() == 2 && bias->dims()[0] != 1) return "the bias has a row for every sample";
  return std::nullopt;
}

bool is_finite(const Tensor& tensor) {
  return tensor.dtype() != DataType::float32 ||
         std::ranges::all_of(tensor.data<float>(), [](float x) { return std::isfinite(x); });
}

std::variant<Layer, std::string> computing_layer(const Graph& graph, const Node& node,
                                                 const QuantizationRules& rules) {
  Layer layer{.node = node.id, .output = node.outputs[0], .data_inputs = {node.inputs[0]}};
  const std::optional<Tensor> weight = graph.constant(node.inputs[1]);
  if (!weight && !node.is("MatMul")) return "the weight is computed, not constant";
  if (graph.constant(node.inputs[0])) return "the first input is constant";
  if (!weight) layer.data_inputs.push_back(node.inputs[1]);
  if (weight && !is_finite(*weight)) return "its weight holds numbers that are not finite";
  if (weight && node.is("MatMul") && weight->rank() != 2) return "the weight is not a matrix";
  if (const auto reason = reason_against_bias(graph, node, 2)) return *reason;
  if (node.is("Gemm"))
    if (const auto reason = reason_against_gemm(graph, node)) return *reason;
  if (node.is("MatMul") && weight)
    if (const Node* add = bias_add_behind(graph, node)) {
      layer.bias_add = add->id;
      layer.output = add->outputs[0];
    }
  take_activation(graph, rules, layer);
  return layer;
}

std::variant<Layer, std::string> joining_layer(const Graph& graph, const Node& node,
                                               const QuantizationRules& rules) {
  Layer layer{.kind = LayerKind::joins, .node = node.id, .output = node.outputs[0]};
  for (const ValueId input : node.inputs) {
    if (!is_float(graph, input)) return "an input is not float";
    if (!graph.constant(input)) layer.data_inputs.push_back(input);
  }
  if (layer.data_inputs.empty()) return "every input is constant";
  const bool is_arithmetic = node.is("Add") || node.is("Mul");
  if (layer.data_inputs.size() < node.inputs.size() && !is_arithmetic) return "an input is constant";
  if (is_arithmetic) take_activation(graph, rules, layer);
  return layer;
}

std::variant<Layer, std::string> moving_layer(const Node& node) {
  if (node.is("Resize") && node.attributes.get_string("mode", "nearest") != "nearest")
    return "it interpolates";
  if (node.is("MaxPool") && node.has_output(1)) return "its indices are used";
  return Layer{.kind = LayerKind::keeps_scale,
               .node = node.id,
               .output = node.outputs[0],
               .data_inputs = {node.inputs[0]}};
}

}  // namespace

bool is_depthwise(const Node& node, const Dims& weight) {
  return node.is("Conv") && node.attributes.get_int("group", 1) > 1 && weight.at(1) == 1;
}

std::variant<Layer, std::string> layer_at(const Graph& graph, const Node& node,
                                          const QuantizationRules& rules) {
  if (!node.domain.empty() || node.inputs.empty() || !node.has_input(0) || !node.has_output(0))
    return "the profile's device does not run it in integers";
  if (!is_float(graph, node.inputs[0]) || !is_float(graph, node.outputs[0]))
    return "it does not compute in float";
  if (contains(rules.integer_operators, node.op_type)) return computing_layer(graph, node, rules);
  if (contains(rules.joining_operators, node.op_type)) return joining_layer(graph, node, rules);
  if (contains(rules.same_scale_operators, node.op_type)) return moving_layer(node);
  return "the profile's device does not run it in integers";
}

}  // namespace edgeopt
