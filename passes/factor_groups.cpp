#include "passes/factor_groups.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "ir/edit.h"
#include "ir/tied_dims.h"
#include "passes/equalization_layers.h"
#include "passes/framework/clip.h"
#include "passes/framework/match.h"
#include "passes/framework/tensor_algebra.h"
#include "passes/prune/index_sets.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr const char* not_passed = "no factor passes";

bool pads_with_zero(const Graph& graph, const Node& node) {
  if (node.attributes.get_string("mode", "constant") != "constant") return true;
  if (!node.has_input(2)) return node.attributes.get_float("value", 0) == 0;
  return constant_number(graph, node.inputs[2]) == 0.0;
}

// Pad and Clip are homogeneous under conditions.
bool passes_factors(const Graph& graph, const Node& node, const OpDefinition& op) {
  if (node.is("Pad")) return pads_with_zero(graph, node);
  if (node.is("Clip")) {
    const std::optional<ClipRange> range = clip_range_of(graph, node);
    return range && range->low == 0 && range->high > 0;
  }
  return op.is_homogeneous;
}

// All that an elementwise operator adds or compares must take the factor; what is broadcast over the channels
// cannot.
bool reaches_all_inputs(const TiedDims& tie, const Node& node, const OpDefinition& op) {
  const auto tied = std::ranges::count_if(tie.dims, [](const OperandDim& dim) { return !dim.is_output; });
  return !op.is_elementwise || !op.is_homogeneous || tied == std::ssize(node.inputs);
}

bool is_scaled_normalization(const Graph& graph, const Node& node) {
  const auto is_own = [&](std::size_t input) {
    if (!node.has_input(input)) return false;
    const auto constant = graph.constant(node.inputs[input]);
    return constant && constant->dtype() == DataType::float32 && constant->rank() == 1;
  };
  return node.is("LayerNormalization") && node.domain.empty() && is_own(1) &&
         (!node.has_input(2) || is_own(2)) && used_output_count(graph, node) == 1;
}

// The axis of a layer's input or output that counts channels.
std::optional<ValueDim> channel_dim(const Graph& graph, const Node& node, ValueId value) {
  const auto& shape = graph.type_of(value).shape;
  if (!shape || shape->size() < 2) return std::nullopt;
  return ValueDim{value, node.is("Conv") ? 1 : static_cast<int>(shape->size()) - 1};
}

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), sets_(graph) {
    for (const ValueId id : graph.outputs()) sets_.keep_all(id, not_passed);
    for (const ValueId id : graph.inputs()) sets_.keep_all(id, not_passed);
    for (const ValueId id : graph.captured()) sets_.keep_all(id, not_passed);
    for (const NodeId id : graph.nodes()) add_node(graph.node(id));
  }

  std::vector<FactorGroup> groups();

 private:
  struct End {
    NodeId node;
    ValueDim dim;
    bool is_reader;
  };

  void add_node(const Node& node);
  bool add_layer(const Node& node);
  void add_passing(const Node& node);
  void add_end(const Node& node, ValueId value, bool is_reader);
  void keep_unmarked(ValueId value);
  std::map<std::int32_t, std::int32_t> clusters();  // set -> cluster
  UnitsOfDim units_of(const ValueDim& dim, std::map<std::int32_t, std::int32_t>& units);

  const Graph& graph_;
  IndexSets sets_;
  std::vector<End> ends_;
};

void Finder::keep_unmarked(ValueId value) {
  if (value == ValueId::none || !graph_.type_of(value).shape) return;
  for (int axis = 0; axis < static_cast<int>(graph_.type_of(value).shape->size()); ++axis)
    for (std::int64_t i = 0; i < sets_.size_of({value, axis}); ++i)
      if (!sets_.is_marked({{value, axis}, i})) sets_.keep({{value, axis}, i}, not_passed);
}

void Finder::add_end(const Node& node, ValueId value, bool is_reader) {
  const std::optional<ValueDim> dim = channel_dim(graph_, node, value);
  if (!dim) return;
  for (std::int64_t i = 0; i < sets_.size_of(*dim); ++i) sets_.mark({*dim, i});
  ends_.push_back({node.id, *dim, is_reader});
}

bool Finder::add_layer(const Node& node) {
  if (is_scaled_normalization(graph_, node)) {
    add_end(node, node.outputs[0], false);
    return true;
  }
  if (!std::holds_alternative<EqualizedLayer>(equalized_layer_of(graph_, node))) return false;
  add_end(node, node.inputs[0], true);
  add_end(node, node.outputs[0], false);
  return true;
}

void Finder::add_passing(const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op || !passes_factors(graph_, node, *op)) return;
  const std::vector<Operand> inputs = operands_of(graph_, node);
  for (const TiedDims& tie :
       tied_dims_of(*op, {.node = node, .opset = graph_.opset(node.domain), .inputs = inputs}))
    if (tie.choice <= 1 && reaches_all_inputs(tie, node, *op)) sets_.add_tie(node, tie);
}

void Finder::add_node(const Node& node) {
  sets_.forget_marks();
  if (node.captures.empty() && !add_layer(node)) add_passing(node);
  for (const ValueId id : node.inputs) keep_unmarked(id);
  for (const ValueId id : node.outputs) keep_unmarked(id);
  for (const Capture& capture : node.captures) sets_.keep_all(capture.value, not_passed);
}

// Sets that meet on a dim belong to one cluster, named by the first of them.
std::map<std::int32_t, std::int32_t> Finder::clusters() {
  std::map<std::int32_t, std::int32_t> parent;
  const auto root = [&](std::int32_t set) {
    while (parent.at(set) != set) set = parent.at(set);
    return set;
  };
  for (const ValueDim& dim : sets_.dims()) {
    std::optional<std::int32_t> first;
    for (std::int64_t i = 0; i < sets_.size_of(dim); ++i) {
      if (sets_.reason_to_keep({dim, i})) continue;
      const std::int32_t set = sets_.set_of({dim, i});
      parent.try_emplace(set, set);
      if (first) parent[std::max(root(set), root(*first))] = std::min(root(set), root(*first));
      first = first ? first : std::optional(set);
    }
  }
  std::map<std::int32_t, std::int32_t> result;
  for (const auto& [set, above] : parent) result[set] = root(set);
  return result;
}

UnitsOfDim Finder::units_of(const ValueDim& dim, std::map<std::int32_t, std::int32_t>& units) {
  UnitsOfDim result;
  for (std::int64_t i = 0; i < sets_.size_of(dim); ++i) {
    const bool is_kept = sets_.reason_to_keep({dim, i}).has_value();
    const auto next = static_cast<std::int32_t>(units.size());
    result.push_back(is_kept ? no_unit : units.try_emplace(sets_.set_of({dim, i}), next).first->second);
  }
  return result;
}

std::vector<FactorGroup> Finder::groups() {
  struct Draft {
    FactorGroup group;
    std::map<std::int32_t, std::int32_t> units;  // by set
  };
  std::map<std::int32_t, Draft> drafts;
  const std::map<std::int32_t, std::int32_t> cluster_of = clusters();
  const auto draft_of = [&](const ValueDim& dim) -> Draft* {
    for (std::int64_t i = 0; i < sets_.size_of(dim); ++i)
      if (!sets_.reason_to_keep({dim, i})) return &drafts[cluster_of.at(sets_.set_of({dim, i}))];
    return nullptr;
  };
  for (const ValueDim& dim : sets_.dims())
    if (Draft* draft = draft_of(dim)) {
      FactorGroup& group = draft->group;
      (graph_.constant(dim.value) ? group.addends : group.activations)
          .push_back({dim, units_of(dim, draft->units)});
      const Node* producer = graph_.producer(dim.value);
      if (producer && producer->is("Clip"))
        group.bound = std::min(group.bound, clip_range_of(graph_, *producer)->high);
    }
  for (const End& end : ends_)
    if (Draft* draft = draft_of(end.dim))
      (end.is_reader ? draft->group.readers : draft->group.writers)
          .push_back({end.node, units_of(end.dim, draft->units)});
  std::vector<FactorGroup> result;
  for (auto& [cluster, draft] : drafts) {
    draft.group.unit_count = static_cast<std::int32_t>(draft.units.size());
    if (!draft.group.readers.empty()) result.push_back(std::move(draft.group));
  }
  return result;
}

// Factors by channel of each layer's input and output.
struct EndFactors {
  std::vector<double> input, output;
};

double factor_of(const std::vector<double>& factors, std::size_t channel) {
  return factors.empty() ? 1.0 : factors[channel];
}

class Scaler {
 public:
  explicit Scaler(const Graph& graph) : graph_(graph), edit_(graph) {}

  void scale_layer(NodeId id, const EndFactors& factors) {
    const Node& node = graph_.node(id);
    if (node.is("LayerNormalization")) {
      divide(id, 1, 0, factors.output);
      if (node.has_input(2)) divide(id, 2, 0, factors.output);
      return;
    }
    EqualizedLayer layer = std::get<EqualizedLayer>(equalized_layer_of(graph_, node));
    for (std::size_t i = 0; i < layer.weight.size(); ++i)
      layer.weight[i] *= factor_of(factors.input, static_cast<std::size_t>(layer.input_channel[i])) /
                         factor_of(factors.output, static_cast<std::size_t>(layer.output_channel[i]));
    set(id, 1, layer.weight);
    if (layer.bias.empty()) return;
    for (std::size_t i = 0; i < layer.bias.size(); ++i) layer.bias[i] /= factor_of(factors.output, i);
    set(id, 2, layer.bias);
  }

  // Divides a constant input of a node along one of its axes.
  void divide(NodeId id, std::size_t input, std::size_t axis, const std::vector<double>& factors) {
    const Tensor tensor = *graph_.constant(graph_.node(id).inputs[input]);
    std::vector<double> elements = to_doubles(tensor);
    std::size_t inner = 1;
    for (std::size_t i = axis + 1; i < tensor.rank(); ++i)
      inner *= static_cast<std::size_t>(tensor.dims()[i]);
    const auto count = static_cast<std::size_t>(tensor.dims()[axis]);
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i] /= factor_of(factors, i / inner % count);
    set(id, input, elements);
  }

  Graph apply() const { return edit_.apply(); }

 private:
  void set(NodeId id, std::size_t input, const std::vector<double>& elements) {
    const ValueId old = graph_.node(id).inputs[input];
    const Tensor before = *graph_.constant(old);
    Tensor changed = from_doubles(before.dtype(), before.dims(), elements);
    if (graph_.has_single_use(old))
      edit_.set_constant(old, std::move(changed));
    else
      edit_.set_input(id, input, edit_.add_constant(std::move(changed), graph_.name_of(old)));
  }

  const Graph& graph_;
  Edit edit_;
};

std::vector<double> by_index(const UnitsOfDim& units, const std::vector<double>& factors) {
  std::vector<double> result;
  for (const std::int32_t unit : units)
    result.push_back(unit == no_unit ? 1.0 : factors.at(static_cast<std::size_t>(unit)));
  return result;
}

}  // namespace

std::vector<FactorGroup> find_factor_groups(const Graph& graph) { return Finder(graph).groups(); }

Graph with_factors(const Graph& graph, const std::vector<FactorGroup>& groups,
                   const ChannelFactors& factors) {
  std::map<NodeId, EndFactors> ends;
  Scaler scaler(graph);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (std::ranges::any_of(factors.at(g), [](double factor) { return !(factor > 0); }))
      throw InternalError("a channel was given a factor that is not positive");
    for (const FactorEnd& end : groups[g].writers) ends[end.node].output = by_index(end.units, factors[g]);
    for (const FactorEnd& end : groups[g].readers) ends[end.node].input = by_index(end.units, factors[g]);
    for (const FactorGroup::Member& addend : groups[g].addends)
      for (const Use& use : graph.uses(addend.dim.value))
        scaler.divide(use.node, static_cast<std::size_t>(use.input_index),
                      static_cast<std::size_t>(addend.dim.axis), by_index(addend.units, factors[g]));
  }
  for (const auto& [node, factors_of_node] : ends) scaler.scale_layer(node, factors_of_node);
  return scaler.apply();
}

}  // namespace edgeopt
