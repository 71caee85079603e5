// x -> op -> y  becomes  x -> Q -> DQ -> op(DQ(integer weight), DQ(int32 bias)) -> Q -> DQ -> y
// for what the plan (passes/quantization_plan.h) puts into integers, after the ranges that calibration wrote
// on the values.
#include <fmt/format.h>

#include <set>

#include "ir/op.h"
#include "passes/framework/pass.h"
#include "passes/layer_weights.h"
#include "passes/quantization_plan.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// QuantizeLinear and DequantizeLinear with an axis begin at opset 13, with 4 and 16 bits at 21 (ONNX Operator
// changelog).
constexpr int first_opset_with_axis = 13;
constexpr int first_opset_with_all_widths = 21;

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
    for (const auto& [value, quantization] : plan_.activations) quantize_activation(value, quantization);
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

  // 4-bit integers lie in 8-bit ones where the opset has no 4-bit types.
  DataType stored_type(DataType type) const {
    if (graph_.opset() >= first_opset_with_all_widths || bit_count(type) == 8) return type;
    if (bit_count(type) > 8)
      throw UserError(fmt::format("{} needs opset {}; the model's is {}", edgeopt::name_of(type),
                                  first_opset_with_all_widths, graph_.opset()));
    return is_signed(type) ? DataType::int8 : DataType::uint8;
  }

  Constants add_parameters(const std::string& name, const QuantizationScheme& scheme,
                           const QuantizationParameters& parameters) {
    return {.scale = edit_.add_constant(Tensor::scalar(parameters.scale), name + "_scale"),
            .zero_point = edit_.add_constant(
                store_integers({parameters.zero_point}, {}, stored_type(scheme.type)), name + "_zero_point")};
  }

  ValueId add_named(std::string op, std::vector<ValueId> inputs, Attributes attributes,
                    const std::string& name) {
    return edit_.add_node(NodeSpec{.op_type = std::move(op),
                                   .inputs = std::move(inputs),
                                   .attributes = std::move(attributes),
                                   .output_names = {name}})[0];
  }

  // The activation vanishes if the integers cannot leave its bounds by more than half a step.
  static bool is_absorbed(const Layer& layer, const ActivationQuantization& by) {
    if (layer.activation == NodeId::none) return false;
    const Range covered = covered_range(by.parameters, by.scheme);
    const double half_step = by.parameters.scale / 2.0;
    return covered.min >= layer.bounds->min - half_step && covered.max <= layer.bounds->max + half_step;
  }

  // Integers of fewer bits than their type has saturate in integers: ONNX Runtime keeps such a Clip between
  // integer operators (docs/onnxruntime_fusions.md).
  ValueId saturated(ValueId integers, const QuantizationScheme& scheme, const std::string& name) {
    const DataType type = stored_type(scheme.type);
    if (scheme.bits >= bit_count(type)) return integers;
    const ValueId lowest = edit_.add_constant(store_integers({scheme.lowest()}, {}, type), name + "_lowest");
    const ValueId highest =
        edit_.add_constant(store_integers({scheme.highest()}, {}, type), name + "_highest");
    return add_named("Clip", {integers, lowest, highest}, {}, name + "_saturated");
  }

  void quantize_activation(ValueId value, const ActivationQuantization& by) {
    const std::string& name = graph_.name_of(value);
    const Constants constants = add_parameters(name, by.scheme, by.parameters);
    const auto found = computed_.find(value);
    ValueId source = value;
    if (found != computed_.end() && is_absorbed(*found->second, by))
      source = graph_.node(found->second->activation).inputs[0];
    ValueId integers =
        add_named("QuantizeLinear", {source, constants.scale, constants.zero_point}, {}, name + "_quantized");
    // What only moves integers leaves them where they are.
    const bool is_moved = found != computed_.end() && found->second->kind == LayerKind::keeps_scale;
    if (!is_moved) integers = saturated(integers, by.scheme, name);
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
  // ONNX Runtime runs a Gemm whose weight has none in float. It computes a Cast of a constant when it loads
  // the model, and takes the result into the integer operator; 4-bit integers themselves it would not take
  // (docs/onnxruntime_fusions.md).
  ValueId add_dequantized(const IntegerConstant& what, const std::string& name, bool has_zero_point = false) {
    const bool is_narrow = bit_count(what.integers.dtype()) < 8;
    const DataType read_as = is_narrow ? DataType::int8 : what.integers.dtype();
    ValueId integers = edit_.add_constant(what.integers, name + "_quantized");
    if (is_narrow)
      integers = add_named("Cast", {integers}, {{"to", static_cast<std::int64_t>(read_as)}}, name + "_int8");
    std::vector<ValueId> inputs = {integers, edit_.add_constant(what.scales, name + "_scale")};
    if (has_zero_point)
      inputs.push_back(edit_.add_constant(Tensor(read_as, what.scales.dims()), name + "_zero_point"));
    const Attributes attributes = what.axis < 0 ? Attributes{} : Attributes{{"axis", what.axis}};
    return add_named("DequantizeLinear", std::move(inputs), attributes, name + "_dequantized");
  }

  void quantize_weights(const Layer& layer) {
    const Node& node = graph_.node(layer.node);
    if (!graph_.constant(node.inputs[1])) return;
    const float input_scale = plan_.activations.at(node.inputs[0]).parameters.scale;
    IntegerConstant weight = integer_weight(graph_, rules_, node, input_scale);
    if (const DataType type = stored_type(weight.integers.dtype()); type != weight.integers.dtype())
      weight.integers = cast(weight.integers, type);
    const QuantizationScheme scheme = weight_scheme(graph_, rules_, node);
    const ValueId floats = add_dequantized(weight, graph_.name_of(node.inputs[1]), !node.is("Conv"));
    edit_.set_input(node.id, 1, floats);
    // Integers of fewer bits may lie in a wider type: whoever changes them later needs to know.
    edit_.set_quantization(floats,
                           ValueQuantization{.type = scheme.type, .bits = scheme.bits, .axis = weight.axis});
    if (const auto bias = integer_bias(graph_, node, weight.scales, input_scale))
      edit_.set_input(node.id, 2, add_dequantized(*bias, graph_.name_of(node.inputs[2])));
  }

  // In the type of the other operand, but with all the bits that it has: a constant takes no time.
  void quantize_constants(const Layer& layer) {
    const Node& node = graph_.node(layer.node);
    QuantizationScheme scheme = plan_.activations.at(layer.data_inputs[0]).scheme;
    scheme.type = stored_type(scheme.type);
    scheme.bits = bit_count(scheme.type);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!graph_.constant(node.inputs[i])) continue;
      const std::string& name = graph_.name_of(node.inputs[i]);
      const IntegerOperand operand = integer_operand(graph_.value(node.inputs[i]), scheme);
      const Constants constants = add_parameters(name, operand.scheme, operand.parameters);
      edit_.set_input(node.id, i,
                      add_named("DequantizeLinear",
                                {edit_.add_constant(operand.integers, name + "_quantized"), constants.scale,
                                 constants.zero_point},
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
