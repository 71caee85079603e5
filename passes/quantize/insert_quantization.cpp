// x -> op -> y  becomes  x -> Q -> DQ -> op(DQ(integer weight), DQ(int32 bias)) -> Q -> DQ -> y
// for what the plan (passes/quantization_plan.h) puts into integers, after the ranges that calibration wrote
// on the values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "ir/op.h"
#include "passes/framework/pass.h"
#include "passes/quantization_plan.h"

namespace edgeopt {
namespace {

// QuantizeLinear and DequantizeLinear with an axis begin at opset 13 (ONNX Operator changelog).
constexpr int first_opset_with_axis = 13;

class Insertion {
 public:
  Insertion(const Graph& graph, const QuantizationRules& rules, const QuantizationPlan& plan)
      : graph_(graph), rules_(rules), plan_(plan), edit_(graph) {}

  Graph run() {
    for (const Layer& layer : plan_.layers) computed_[layer.output] = &layer;
    for (const Layer& layer : plan_.layers) {
      for (const ValueId output : graph_.node(layer.node).outputs)
        if (output != ValueId::none && layer.kind == LayerKind::keeps_scale) computed_[output] = &layer;
    }
    for (const auto& [value, parameters] : plan_.activations) quantize_activation(value, parameters);
    for (const Layer& layer : plan_.layers) {
      if (layer.kind == LayerKind::computes) quantize_weights(layer);
      if (layer.kind == LayerKind::joins) quantize_constants(layer);
    }
    return edit_.apply();
  }

 private:
  struct Constants {
    ValueId scale;
    ValueId zero_point;
  };

  struct Dequantized {
    Tensor integers;
    Tensor scales;
    int axis = -1;
    bool has_zero_point = false;
  };

  Constants add_parameters(const std::string& name, const QuantizationParameters& parameters) {
    const int zero = parameters.zero_point;
    const bool is_signed_type = is_signed(rules_.activation_type);
    Tensor zero_point = is_signed_type ? Tensor::scalar(static_cast<std::int8_t>(zero))
                                       : Tensor::scalar(static_cast<std::uint8_t>(zero));
    return {.scale = edit_.add_constant(Tensor::scalar(parameters.scale), name + "_scale"),
            .zero_point = edit_.add_constant(std::move(zero_point), name + "_zero_point")};
  }

  ValueId add_named(std::string op, std::vector<ValueId> inputs, Attributes attributes,
                    const std::string& name) {
    return edit_.add_node(NodeSpec{.op_type = std::move(op),
                                   .inputs = std::move(inputs),
                                   .attributes = std::move(attributes),
                                   .output_names = {name}})[0];
  }

  // The activation vanishes if the integers cannot leave its bounds by more than half a step.
  bool is_absorbed(const Layer& layer, const QuantizationParameters& parameters) const {
    if (layer.activation == NodeId::none) return false;
    const Range covered = covered_range(parameters, activation_scheme(rules_));
    const double half_step = parameters.scale / 2.0;
    return covered.min >= layer.bounds->min - half_step && covered.max <= layer.bounds->max + half_step;
  }

  void quantize_activation(ValueId value, const QuantizationParameters& parameters) {
    const std::string& name = graph_.name_of(value);
    const Constants constants = add_parameters(name, parameters);
    const auto found = computed_.find(value);
    ValueId source = value;
    if (found != computed_.end() && is_absorbed(*found->second, parameters))
      source = graph_.node(found->second->activation).inputs[0];
    const ValueId integers =
        add_named("QuantizeLinear", {source, constants.scale, constants.zero_point}, {}, name + "_quantized");
    const ValueId floats = add_named("DequantizeLinear", {integers, constants.scale, constants.zero_point},
                                     {}, name + "_dequantized");
    if (found != computed_.end()) {
      edit_.replace(value, floats);
      return;
    }
    // Nobody else computes in integers here: readers in float keep the exact value.
    for (const Layer& layer : plan_.layers) {
      const Node& node = graph_.node(layer.node);
      for (std::size_t i = 0; i < node.inputs.size(); ++i)
        if (node.inputs[i] == value) edit_.set_input(node.id, i, floats);
    }
  }

  // Integers that are symmetric need no zero point (DequantizeLinear takes 0 for one that is left out), but
  // ONNX Runtime runs a Gemm whose weight has none in float (docs/onnxruntime_fusions.md).
  ValueId add_dequantized(const Dequantized& what, const std::string& name) {
    std::vector<ValueId> inputs = {edit_.add_constant(what.integers, name + "_quantized"),
                                   edit_.add_constant(what.scales, name + "_scale")};
    if (what.has_zero_point)
      inputs.push_back(
          edit_.add_constant(Tensor(what.integers.dtype(), what.scales.dims()), name + "_zero_point"));
    const Attributes attributes = what.axis < 0 ? Attributes{} : Attributes{{"axis", what.axis}};
    return add_named("DequantizeLinear", std::move(inputs), attributes, name + "_dequantized");
  }

  void quantize_weights(const Layer& layer) {
    const Node& node = graph_.node(layer.node);
    const OpDefinition* op = find_op(node);
    const std::optional<Tensor> weight = graph_.constant(node.inputs[1]);
    if (!weight || !op) return;
    const int axis = rules_.weights_per_channel && op->quantization.weight_channel_axis
                         ? op->quantization.weight_channel_axis(node, weight->rank())
                         : -1;
    const float input_scale = plan_.activations.at(node.inputs[0]).scale;
    const std::optional<Tensor> bias = node.has_input(2) ? graph_.constant(node.inputs[2]) : std::nullopt;
    const QuantizationScheme scheme = weight_scheme(rules_, node, weight->dims());
    const QuantizedWeight quantized =
        quantize_weight(*weight, axis, scheme, least_scales(bias, input_scale, axis));
    edit_.set_input(node.id, 1,
                    add_dequantized({quantized.integers, quantized.scales, axis, !node.is("Conv")},
                                    graph_.name_of(node.inputs[1])));
    if (bias) quantize_bias_of(node, *bias, quantized.scales, input_scale);
  }

  // A bias must fit 32 bits at scale(input) * scale(weight), which must not vanish; a channel of tiny weights
  // gets a larger scale for it.
  static std::vector<float> least_scales(const std::optional<Tensor>& bias, float input_scale, int axis) {
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

  void quantize_bias_of(const Node& node, const Tensor& bias, const Tensor& weight_scales,
                        float input_scale) {
    std::vector<float> scales;
    for (const float scale : weight_scales.data<float>()) scales.push_back(scale * input_scale);
    const Tensor row = bias.reshaped({bias.element_count()});
    const bool is_per_tensor = weight_scales.rank() == 0;
    const Dims scale_dims = is_per_tensor ? Dims{} : Dims{static_cast<std::int64_t>(scales.size())};
    const Dequantized what = {.integers = quantize_bias(row, scales),
                              .scales = Tensor::of<float>(scale_dims, scales),
                              .axis = is_per_tensor ? -1 : 0};
    edit_.set_input(node.id, 2, add_dequantized(what, graph_.name_of(node.inputs[2])));
  }

  void quantize_constants(const Layer& layer) {
    const Node& node = graph_.node(layer.node);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::optional<Tensor> constant = graph_.constant(node.inputs[i]);
      if (!constant) continue;
      const QuantizationScheme scheme = activation_scheme(rules_);
      Range range;
      for (const float element : constant->data<float>()) {
        range.min = std::min<double>(range.min, element);
        range.max = std::max<double>(range.max, element);
      }
      const QuantizationParameters parameters = parameters_for(range, scheme);
      Tensor integers(scheme.type, constant->dims());
      const std::span<const float> elements = constant->data<float>();
      const std::span<std::byte> bytes = integers.mutable_bytes();
      for (std::size_t k = 0; k < elements.size(); ++k)
        bytes[k] = static_cast<std::byte>(quantize(elements[k], parameters, scheme) & 0xFF);
      const std::string& name = graph_.name_of(node.inputs[i]);
      const Constants constants = add_parameters(name, parameters);
      edit_.set_input(node.id, i,
                      add_named("DequantizeLinear",
                                {edit_.add_constant(std::move(integers), name + "_quantized"),
                                 constants.scale, constants.zero_point},
                                {}, name + "_dequantized"));
    }
  }

  const Graph& graph_;
  const QuantizationRules& rules_;
  const QuantizationPlan& plan_;
  Edit edit_;
  std::map<ValueId, const Layer*> computed_;
};

PassOutcome insert_quantization(const Graph& graph, const PassContext& context) {
  PassOutcome outcome{.graph = graph};
  if (graph.opset() < first_opset_with_axis) {
    outcome.declined.emplace_back(
        fmt::format("the opset is {}, below {}", graph.opset(), first_opset_with_axis), 1);
    return outcome;
  }
  const std::set<std::string> keep_float(context.keep_float.begin(), context.keep_float.end());
  const QuantizationPlan plan = plan_quantization(graph, context.profile.quantization, keep_float);
  for (const KeptFloat& kept : plan.kept_float)
    outcome.declined.emplace_back(fmt::format("{} '{}': {}", kept.op_type, kept.node, kept.reason), 1);
  if (plan.activations.empty()) return outcome;
  outcome.graph = Insertion(graph, context.profile.quantization, plan).run();
  outcome.rewrite_count = static_cast<int>(plan.layers.size());
  return outcome;
}

}  // namespace

Pass insert_quantization_pass() {
  return {
      .name = "insert_quantization",
      .summary = "Put QuantizeLinear and DequantizeLinear around what the profile's device runs in integers.",
      .fidelity = Fidelity::lossy,
      .run = insert_quantization};
}

}  // namespace edgeopt
