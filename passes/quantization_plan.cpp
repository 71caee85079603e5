#include "passes/quantization_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/op.h"

namespace edgeopt {
namespace {

bool has_range(const Value& value) {
  return value.range || (value.quantization && !value.quantization->scales.empty());
}

// The set of quantized values grows from the layers that compute: first what they read and write, then what
// joins them.
class Planner {
 public:
  Planner(const Graph& graph, const QuantizationRules& rules, const std::set<std::string>& keep_float)
      : graph_(graph), rules_(rules), keep_float_(keep_float) {}

  QuantizationPlan run() {
    find_layers();
    leave_narrow_head();
    for (const auto& [node, layer] : layers_)
      if (layer.kind == LayerKind::computes) start_from(layer);
    while (join_neighbours()) {
    }
    drop_what_nobody_needs();
    return finish();
  }

 private:
  void find_layers() {
    for (const NodeId id : graph_.nodes()) {
      if (swallowed_.contains(id)) continue;
      const Node& node = graph_.node(id);
      const auto found = layer_at(graph_, node, rules_);
      const bool has_weights =
          std::ranges::find(rules_.integer_operators, node.op_type) != rules_.integer_operators.end();
      if (const auto* layer = std::get_if<Layer>(&found)) {
        const std::string reason = reason_against(node, *layer);
        if (reason.empty())
          add_layer(*layer);
        else if (has_weights)
          keep(node, reason);
      } else if (has_weights) {
        keep(node, std::get<std::string>(found));
      }
    }
  }

  // Nothing where there is no constant weight to count them in.
  std::optional<std::int64_t> output_channels(const Layer& layer) const {
    const Node& node = graph_.node(layer.node);
    const OpDefinition* op = find_op(node);
    const std::optional<Tensor> weight = graph_.constant(node.input(1));
    if (!op || !op->quantization.weight_channel_axis || !weight) return std::nullopt;
    const int axis = op->quantization.weight_channel_axis(node, weight->rank());
    return axis < 0 ? std::nullopt : std::optional(weight->dims()[static_cast<std::size_t>(axis)]);
  }

  // Narrow Convs that only narrow ones lie before; none if there are no wide layers, which would have less of
  // a choice.
  std::vector<NodeId> narrow_head() const {
    std::set<ValueId> before(graph_.inputs().begin(), graph_.inputs().end());
    std::vector<NodeId> head;
    bool has_wide = false;
    for (const NodeId id : graph_.nodes()) {
      const Node& node = graph_.node(id);
      const auto found = layers_.find(id);
      const bool computes = found != layers_.end() && found->second.kind == LayerKind::computes;
      const bool is_head = std::ranges::all_of(node.inputs, [&](ValueId input) {
        return input == ValueId::none || graph_.constant(input) || before.contains(input);
      });
      const bool is_narrow =
          computes && output_channels(found->second).value_or(rules_.fewest_output_channels) <
                          rules_.fewest_output_channels;
      const bool leaves = is_narrow && is_head && node.is("Conv");
      if (leaves) head.push_back(id);
      if (computes && !is_narrow) has_wide = true;
      if (is_head && (leaves || !computes)) before.insert(node.outputs.begin(), node.outputs.end());
    }
    return has_wide ? head : std::vector<NodeId>();
  }

  void leave_narrow_head() {
    for (const NodeId id : narrow_head()) {
      const Layer layer = layers_.at(id);
      keep(graph_.node(id), fmt::format("its {} output channels are too few to be faster in integers on this "
                                        "device, which takes {} (fewest_output_channels of the profile)",
                                        *output_channels(layer), rules_.fewest_output_channels));
      layers_.erase(id);
      for (const NodeId inside : {layer.node, layer.bias_add, layer.activation}) {
        swallowed_.erase(inside);
        owner_.erase(inside);
      }
    }
  }

  std::string reason_against(const Node& node, const Layer& layer) const {
    if (keep_float_.contains(label_of(graph_, node))) return "asked to stay in float";
    for (const ValueId input : layer.data_inputs)
      if (!has_range(graph_.value(input)))
        return fmt::format("no range was observed for its input '{}'", graph_.name_of(input));
    if (!has_range(graph_.value(layer.output))) return "no range was observed for its output";
    return "";
  }

  void add_layer(const Layer& layer) {
    layers_[layer.node] = layer;
    for (const NodeId id : {layer.node, layer.bias_add, layer.activation})
      if (id != NodeId::none) owner_[id] = layer.node;
    // The bias addition or activation of a layer is no layer of its own.
    for (const NodeId id : {layer.bias_add, layer.activation})
      if (id != NodeId::none) swallowed_.insert(id);
  }

  void keep(const Node& node, std::string reason) {
    plan_.kept_float.push_back(
        {.node = label_of(graph_, node), .op_type = node.op_type, .reason = std::move(reason)});
  }

  const Layer* layer_of(const Node* node) const {
    if (!node) return nullptr;
    const auto owner = owner_.find(node->id);
    return owner == owner_.end() ? nullptr : &layers_.at(owner->second);
  }

  void start_from(const Layer& layer) {
    active_.insert(layer.node);
    for (const ValueId input : layer.data_inputs) demand(input);
    // A Conv is an integer operator only with a quantized output; Gemm and MatMul may end in float.
    if (graph_.node(layer.node).is("Conv")) quantized_.insert(layer.output);
  }

  // `value` must be quantized; through operators that only move elements the demand goes on to what they
  // move.
  void demand(ValueId value) {
    if (!quantized_.insert(value).second) return;
    const Layer* layer = layer_of(graph_.producer(value));
    if (layer && layer->kind == LayerKind::keeps_scale) demand(layer->data_inputs[0]);
  }

  const Layer* waiting_layer(NodeId id) const {
    const auto found = layers_.find(id);
    const bool is_waiting = found != layers_.end() && !swallowed_.contains(id) && !active_.contains(id);
    return is_waiting ? &found->second : nullptr;
  }

  bool has_output_in(NodeId id, const Layer& layer, const std::set<ValueId>& values) const {
    return values.contains(layer.output) || std::ranges::any_of(graph_.node(id).outputs, [&](ValueId output) {
             return values.contains(output);
           });
  }

  static bool has_input_in(const Layer& layer, const std::set<ValueId>& values) {
    return std::ranges::any_of(layer.data_inputs, [&](ValueId input) { return values.contains(input); });
  }

  // What a chain of waiting layers leads to from a quantized value.
  std::set<ValueId> values_behind_quantized() const {
    std::set<ValueId> values = quantized_;
    for (const NodeId id : graph_.nodes()) {
      const Layer* layer = waiting_layer(id);
      if (layer && has_input_in(*layer, values)) values.insert(layer->output);
    }
    return values;
  }

  // From where a chain of waiting layers leads to a quantized value.
  std::set<ValueId> values_before_quantized() const {
    std::set<ValueId> values = quantized_;
    const std::vector<NodeId> backwards(graph_.nodes().rbegin(), graph_.nodes().rend());
    for (const NodeId id : backwards) {
      const Layer* layer = waiting_layer(id);
      if (layer && has_output_in(id, *layer, values))
        values.insert(layer->data_inputs.begin(), layer->data_inputs.end());
    }
    return values;
  }

  // A layer joins if all that it reads is quantized, or if it lies on a chain of such layers from one
  // quantized value to another: of two Adds in a row each would else wait for the other.
  bool join_neighbours() {
    const std::set<ValueId> behind = values_behind_quantized();
    const std::set<ValueId> before = values_before_quantized();
    bool has_grown = false;
    for (const NodeId id : graph_.nodes()) {
      const Layer* layer = waiting_layer(id);
      if (!layer) continue;
      const bool has_all =
          std::ranges::all_of(layer->data_inputs, [&](ValueId input) { return quantized_.contains(input); });
      if (!has_all && !(has_input_in(*layer, behind) && has_output_in(id, *layer, before))) continue;
      activate(id, *layer);
      has_grown = true;
    }
    return has_grown;
  }

  void activate(NodeId id, const Layer& layer) {
    active_.insert(id);
    for (const ValueId input : layer.data_inputs) demand(input);
    quantized_.insert(layer.output);
    for (const ValueId output : graph_.node(id).outputs)
      if (layer.kind == LayerKind::keeps_scale && output != ValueId::none) quantized_.insert(output);
  }

  bool is_needed(ValueId value) const {
    return std::ranges::any_of(graph_.uses(value), [&](const Use& use) {
      return active_.contains(use.node) && !swallowed_.contains(use.node);
    });
  }

  // From the end: an operator that joins or moves values for readers in float stays in float itself.
  void drop_what_nobody_needs() {
    for (auto id = graph_.nodes().rbegin(); id != graph_.nodes().rend(); ++id) {
      const auto found = layers_.find(*id);
      if (found == layers_.end() || !active_.contains(*id) || swallowed_.contains(*id)) continue;
      const Layer& layer = found->second;
      if (layer.kind == LayerKind::computes) continue;
      const auto& outputs = graph_.node(*id).outputs;
      const bool needed = is_needed(layer.output) || std::ranges::any_of(outputs, [&](ValueId output) {
                            return output != ValueId::none && output != layer.output && is_needed(output);
                          });
      if (needed) continue;
      active_.erase(*id);
      quantized_.erase(layer.output);
      for (const ValueId output : outputs) quantized_.erase(output);
    }
  }

  QuantizationPlan finish() {
    ScaleGroups groups(graph_, activation_scheme(rules_));
    for (const ValueId value : quantized_) groups.add(value);
    for (const NodeId id : graph_.nodes()) {
      if (!active_.contains(id) || swallowed_.contains(id)) continue;
      const Layer& layer = layers_.at(id);
      if (layer.bounds && quantized_.contains(layer.output)) groups.bound(layer.output, *layer.bounds);
      plan_.layers.push_back(layer);
    }
    for (const Layer& layer : plan_.layers)
      if (layer.kind == LayerKind::keeps_scale)
        for (const ValueId output : graph_.node(layer.node).outputs)
          if (output != ValueId::none) groups.unite(layer.data_inputs[0], output);
    for (const Layer& layer : plan_.layers)
      if (graph_.node(layer.node).is("Concat"))
        for (const ValueId input : layer.data_inputs) groups.unite_if_bounds_allow(input, layer.output);
    for (const ValueId value : quantized_) plan_.activations[value] = groups.quantization(value);
    return std::move(plan_);
  }

  const Graph& graph_;
  const QuantizationRules& rules_;
  const std::set<std::string>& keep_float_;
  std::map<NodeId, Layer> layers_;
  std::map<NodeId, NodeId> owner_;
  std::set<NodeId> swallowed_;
  std::set<NodeId> active_;
  std::set<ValueId> quantized_;
  QuantizationPlan plan_;
};

}  // namespace

QuantizationScheme activation_scheme(const QuantizationRules& rules) {
  return {.type = rules.activation_type, .bits = 8, .is_symmetric = rules.activations_symmetric};
}

QuantizationScheme weight_scheme(const QuantizationRules& rules, const Node& node, const Dims& weight) {
  return {.type = rules.weight_type,
          .bits = is_depthwise(node, weight) ? rules.depthwise_weight_bits : rules.weight_bits,
          .is_symmetric = true};
}

QuantizationScheme weight_scheme(const Graph& graph, const QuantizationRules& rules, const Node& node) {
  const std::optional<ValueQuantization>& decided = graph.value(node.inputs[1]).quantization;
  return decided ? scheme_of(*decided) : weight_scheme(rules, node, graph.constant(node.inputs[1])->dims());
}

QuantizationPlan plan_quantization(const Graph& graph, const QuantizationRules& rules,
                                   const std::set<std::string>& keep_float) {
  return Planner(graph, rules, keep_float).run();
}

}  // namespace edgeopt
