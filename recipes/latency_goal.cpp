#include "recipes/latency_goal.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/infer.h"
#include "passes/quantization_plan.h"

namespace edgeopt {
namespace {

// Of a node's mean over `profiled_runs` the least of several: what else the machine does only adds.
constexpr int profile_count = 5;
constexpr int profiled_runs = 20;

// Of medians of models that take turns; smaller gains come and go from one measurement to the next.
constexpr double least_gain = 0.01;

using Times = std::map<std::string, double>;

struct Profiles {
  Times floats;
  Times integers;
  Times conversions;  // QuantizeLinear and DequantizeLinear that are steps of their own
};

void take_least(const std::vector<NodeTime>& nodes, Times& least) {
  Times sums;  // a node may be several steps: reorders, and itself
  for (const NodeTime& node : nodes) sums[node.node] += node.time_ms;
  for (const auto& [name, time_ms] : sums) {
    const auto [found, is_new] = least.try_emplace(name, time_ms);
    if (!is_new) found->second = std::min(found->second, time_ms);
  }
}

Profiles profile_both(const QuantizedModel& quantized, const Tensors& inputs, const LatencyOptions& latency) {
  LatencyOptions options = latency;
  options.run_count = options.fewest_runs = profiled_runs;
  options.with_node_times = true;
  Profiles profiles;
  for (int i = 0; i < profile_count; ++i) {
    const std::vector<Latency> both =
        measure_latency({&quantized.prepared, &quantized.graph}, inputs, options);
    take_least(both[0].nodes, profiles.floats);
    take_least(both[1].nodes, profiles.integers);
    std::vector<NodeTime> conversions;
    std::ranges::copy_if(both[1].nodes, std::back_inserter(conversions), [](const NodeTime& node) {
      return node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear";
    });
    take_least(conversions, profiles.conversions);
  }
  return profiles;
}

Graph sized(const Graph& graph, const Tensors& inputs) {
  Edit edit(graph);
  const std::vector<ValueId> ids = required_inputs(graph);
  for (std::size_t i = 0; i < std::min(ids.size(), inputs.size()); ++i) {
    ValueType type = graph.type_of(ids[i]);
    type.shape = to_shape(inputs[i].dims());
    edit.set_type(ids[i], type, true);
  }
  return with_inferred_types(edit.apply());
}

double element_count(const Graph& graph, ValueId value) {
  double count = 1;
  if (const auto& shape = graph.type_of(value).shape)
    for (const Dim& dim : *shape) count *= dim.is_number() ? static_cast<double>(dim.size) : 1;
  return count;
}

// What QuantizeLinear and DequantizeLinear take on this model, wherever they run as steps of their own.
double border_ms_per_element(const Graph& quantized, const Times& times) {
  double time_ms = 0, elements = 0;
  for (const NodeId id : quantized.nodes()) {
    const Node& node = quantized.node(id);
    const auto found = times.find(label_of(quantized, node));
    if (found == times.end()) continue;
    time_ms += found->second;
    elements += element_count(quantized, node.outputs[0]);
  }
  return elements > 0 ? time_ms / elements : 0;
}

/// The layers of a plan as a problem of recipes/float_choice.h.
class Problem {
 public:
  Problem(const Graph& graph, const std::vector<Layer>& layers, double ms_per_element)
      : graph_(graph), layers_(layers), ms_per_element_(ms_per_element) {
    for (std::size_t k = 0; k < layers.size(); ++k) {
      for (const NodeId id : {layers[k].node, layers[k].bias_add, layers[k].activation})
        if (id != NodeId::none) owner_[id] = k;
      made_by_[layers[k].output] = k;
      for (const ValueId output : graph.node(layers[k].node).outputs) made_by_[output] = k;
    }
  }

  std::vector<LayerTimes> times(const Profiles& profiles) const {
    std::vector<LayerTimes> times;
    for (const Layer& layer : layers_) {
      const Node& node = graph_.node(layer.node);
      const std::string& name = label_of(graph_, node);
      times.push_back({.node = name,
                       .op_type = node.op_type,
                       .integer_ms = integer_ms(layer, profiles.integers),
                       .float_ms = time_in(profiles.floats, name) + apart_ms(layer, profiles.floats)});
    }
    return times;
  }

  std::vector<Border> borders() const {
    std::vector<Border> borders;
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      for (const ValueId input : layers_[k].data_inputs)
        if (!graph_.value(input).constant) borders.push_back(border(input, maker_of(input), k));
      if (leaves(layers_[k].output)) borders.push_back(border(layers_[k].output, k, Border::outside));
    }
    return borders;
  }

 private:
  static double time_in(const Times& times, const std::string& name) {
    const auto found = times.find(name);
    return found == times.end() ? 0 : found->second;
  }

  // A node without a name goes by the last value of its step: the integers behind the layer.
  double integer_ms(const Layer& layer, const Times& integers) const {
    const Node& node = graph_.node(layer.node);
    if (!node.name.empty()) return time_in(integers, node.name);
    return time_in(integers, graph_.name_of(layer.output) + "_quantized");
  }

  // Bias and activation, where the engine runs them as steps of their own in float.
  double apart_ms(const Layer& layer, const Times& floats) const {
    double sum = 0;
    for (const NodeId id : {layer.bias_add, layer.activation})
      if (id != NodeId::none) sum += time_in(floats, label_of(graph_, graph_.node(id)));
    return sum;
  }

  std::size_t maker_of(ValueId value) const {
    const auto found = made_by_.find(value);
    return found == made_by_.end() ? Border::outside : found->second;
  }

  bool leaves(ValueId value) const {
    return graph_.is_output(value) || std::ranges::any_of(graph_.uses(value), [&](const Use& use) {
             return !owner_.contains(use.node);
           });
  }

  Border border(ValueId value, std::size_t from, std::size_t to) const {
    const double cost_ms = element_count(graph_, value) * ms_per_element_;
    return {.from = from, .to = to, .dequantize_ms = cost_ms, .quantize_ms = cost_ms};
  }

  const Graph& graph_;
  const std::vector<Layer>& layers_;
  double ms_per_element_;
  std::map<NodeId, std::size_t> owner_;
  std::map<ValueId, std::size_t> made_by_;
};

std::vector<std::string> names_of(const FloatChoice& choice, const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < layers.size(); ++k)
    if (choice.is_float[k] && layers[k].kind == LayerKind::computes) names.push_back(choice.layers[k].node);
  return names;
}

bool has_others(const std::vector<std::string>& names, const std::vector<Layer>& layers) {
  const auto count = std::ranges::count(layers, LayerKind::computes, &Layer::kind);
  return std::ssize(names) < count;
}

// The sum over layers knows nothing of caches and of layers without weights that follow their neighbours.
void measure_whole(FloatChoice& choice, const QuantizedModel& quantized, const Tensors& inputs,
                   const std::pair<const QuantizeOptions&, const LatencyOptions&>& options) {
  QuantizeOptions mixed = options.first;
  mixed.keep_float.insert(mixed.keep_float.end(), choice.keep_float.begin(), choice.keep_float.end());
  const Graph chosen = quantize_with_ranges(quantized.prepared, mixed).graph;
  const std::vector<Latency> both = measure_latency({&quantized.graph, &chosen}, inputs, options.second);
  choice.integer_ms = percentile_of(both[0].times_ms, 50);
  choice.chosen_ms = percentile_of(both[1].times_ms, 50);
  if (choice.chosen_ms > (1 - least_gain) * choice.integer_ms)
    choice.left_alone_because = "as a whole it is no faster than all layers in integers";
}

}  // namespace

FloatChoice choose_floats(const QuantizedModel& quantized, const Tensors& inputs,
                          const QuantizeOptions& options, const LatencyOptions& latency) {
  const Graph graph = sized(quantized.prepared, inputs);
  const std::set<std::string> asked(options.keep_float.begin(), options.keep_float.end());
  std::set<std::string> keep = options.widths.float_layers();
  keep.insert(asked.begin(), asked.end());
  const QuantizationPlan plan = plan_quantization(graph, options.profile.quantization, keep);
  const Profiles profiles = profile_both(quantized, inputs, latency);
  const double ms_per_element = border_ms_per_element(sized(quantized.graph, inputs), profiles.conversions);
  const Problem problem(graph, plan.layers, ms_per_element);

  FloatChoice choice{.layers = problem.times(profiles)};
  choice.is_float = fastest_in_float(choice.layers, problem.borders());
  choice.keep_float = names_of(choice, plan.layers);
  if (choice.keep_float.empty())
    choice.left_alone_because = "no layer with weights is faster in float";
  else if (!has_others(choice.keep_float, plan.layers))
    choice.left_alone_because = "every layer with weights is faster in float: nothing would be quantized";
  else
    measure_whole(choice, quantized, inputs, {options, latency});
  if (!choice.left_alone_because.empty()) choice.keep_float.clear();
  return choice;
}

}  // namespace edgeopt
