#include "passes/prune/channel_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ir/tied_dims.h"
#include "passes/prune/index_sets.h"
#include "support/error.h"

namespace edgeopt {
namespace {

/// A node, and what its operator says about its dims.
struct NodeTies {
  NodeId node = NodeId::none;
  std::vector<TiedDims> ties;
  bool has_rule = false;

  bool has_choice() const {
    return std::ranges::any_of(ties, [](const TiedDims& tie) { return tie.choice != 0; });
  }
};

std::string describe(const Graph& graph, const Node& node) {
  return fmt::format("{} '{}'", node.op_type, display_name(graph, node));
}

NodeTies ties_of(const Graph& graph, const Node& node) {
  NodeTies result{.node = node.id};
  const OpDefinition* op = find_op(node);
  if (!op || !node.captures.empty() || (!op->tied_dims && !op->is_elementwise)) return result;
  result.has_rule = true;
  const std::vector<Operand> inputs = operands_of(graph, node);
  result.ties = tied_dims_of(*op, {.node = node, .opset = graph.opset(node.domain), .inputs = inputs});
  return result;
}

/// The search for sets, with the choices made so far.
class Finder {
 public:
  Finder(const Graph& graph, const std::vector<std::string>& excluded) : graph_(graph) {
    for (const NodeId id : graph.nodes()) nodes_.push_back(ties_of(graph, graph.node(id)));
    find_excluded(excluded);
    choose();
  }

  ChannelGroups groups() const;

 private:
  static constexpr int undecided = 0;  // as if the node did not matter

  void find_excluded(const std::vector<std::string>& excluded);
  void choose();
  int preferred_choice(const Node& node) const;
  IndexSets sets() const;
  void add_node(IndexSets& sets, const NodeTies& ties) const;
  std::int64_t removable_count(IndexSets sets) const;
  std::vector<KeptLayer> kept_layers(IndexSets& sets) const;

  const Graph& graph_;
  std::vector<NodeTies> nodes_;
  std::map<NodeId, int> choices_;
  std::set<NodeId> excluded_;
};

void Finder::find_excluded(const std::vector<std::string>& excluded) {
  for (const std::string& name : excluded) {
    const auto found = std::ranges::find_if(graph_.nodes(), [&](NodeId id) {
      const Node& node = graph_.node(id);
      return node.name == name || (node.has_output(0) && graph_.name_of(node.outputs[0]) == name);
    });
    if (found == graph_.nodes().end())
      throw UserError(fmt::format("there is no node '{}' to exclude from pruning", name));
    excluded_.insert(*found);
  }
}

// Reshape -> Transpose -> Reshape mixes the channels of several blocks: then the blocks must stay.
int Finder::preferred_choice(const Node& node) const {
  if (!node.is("Reshape")) return 1;
  const Node* transpose = graph_.single_user(node.outputs[0]);
  if (!transpose || !transpose->is("Transpose")) return 1;
  const Node* second = graph_.single_user(transpose->outputs[0]);
  const auto rank_of = [&](ValueId id) {
    return graph_.type_of(id).shape ? graph_.type_of(id).shape->size() : 0;
  };
  const bool is_shuffle = second && second->is("Reshape") && node.has_input(0) &&
                          rank_of(second->outputs[0]) == rank_of(node.inputs[0]);
  return is_shuffle ? 2 : 1;
}

void Finder::choose() {
  for (const NodeTies& ties : nodes_)
    if (ties.has_choice()) choices_[ties.node] = undecided;
  for (const NodeTies& ties : nodes_) {
    if (!ties.has_choice()) continue;
    const int preferred = preferred_choice(graph_.node(ties.node));
    choices_[ties.node] = preferred;
    const std::int64_t with_preferred = removable_count(sets());
    choices_[ties.node] = 3 - preferred;
    if (removable_count(sets()) <= with_preferred) choices_[ties.node] = preferred;
  }
}

void Finder::add_node(IndexSets& sets, const NodeTies& ties) const {
  const Node& node = graph_.node(ties.node);
  sets.forget_marks();
  const auto made = choices_.find(node.id);
  for (const TiedDims& tie : ties.ties)
    if (tie.choice == 0 || made->second == undecided || made->second == tie.choice)
      sets.add_tie(node, tie, tie.choice == 0 || made->second != undecided);
  const std::string reason = ties.has_rule ? fmt::format("{} needs all of them", describe(graph_, node))
                                           : fmt::format("{} cannot be followed", describe(graph_, node));
  const auto keep_the_rest = [&](ValueId id) {
    if (id == ValueId::none || !graph_.type_of(id).shape) return;
    for (std::size_t axis = 0; axis < graph_.type_of(id).shape->size(); ++axis)
      for (std::int64_t i = 0; i < sets.size_of({id, static_cast<int>(axis)}); ++i) {
        const DimIndex index{{id, static_cast<int>(axis)}, i};
        if (!sets.is_marked(index)) sets.keep(index, reason);
      }
  };
  for (const ValueId id : node.inputs) keep_the_rest(id);
  for (const ValueId id : node.outputs) keep_the_rest(id);
  for (const Capture& capture : node.captures)
    sets.keep_all(capture.value, fmt::format("the subgraphs of {} read it", describe(graph_, node)));
  if (excluded_.contains(node.id))
    for (const ValueId id : node.inputs)
      if (id != ValueId::none && graph_.constant(id)) sets.keep_all(id, "excluded on request");
}

IndexSets Finder::sets() const {
  IndexSets sets(graph_);
  for (const ValueId id : graph_.outputs())
    sets.keep_all(id, fmt::format("they are the model's output '{}'", graph_.name_of(id)));
  for (const ValueId id : graph_.inputs())
    sets.keep_all(id, fmt::format("they are the model's input '{}'", graph_.name_of(id)));
  for (const ValueId id : graph_.captured())
    sets.keep_all(id, fmt::format("'{}' comes from an outer graph", graph_.name_of(id)));
  for (const ValueId id : graph_.values())
    if (graph_.uses(id).empty()) sets.keep_all(id, "nobody reads them");
  for (const NodeTies& ties : nodes_) add_node(sets, ties);
  sets.keep_whole_dims();
  return sets;
}

std::int64_t Finder::removable_count(IndexSets sets) const {
  std::int64_t count = 0;
  for (const ValueDim& dim : sets.dims())
    if (graph_.constant(dim.value))
      for (std::int64_t i = 0; i < sets.size_of(dim); ++i) count += !sets.reason_to_keep({dim, i});
  return count;
}

// The weight of a layer and which of its axes counts output channels.
std::optional<ValueDim> output_channels_of(const Graph& graph, const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op || op->quantization.weight_input < 0 || !op->quantization.weight_channel_axis) return std::nullopt;
  const auto input = static_cast<std::size_t>(op->quantization.weight_input);
  if (!node.has_input(input)) return std::nullopt;
  const std::optional<Tensor> weight = graph.constant(node.inputs[input]);
  if (!weight) return std::nullopt;
  const int axis = op->quantization.weight_channel_axis(node, weight->rank());
  return axis < 0 ? std::nullopt : std::optional(ValueDim{node.inputs[input], axis});
}

std::vector<KeptLayer> Finder::kept_layers(IndexSets& sets) const {
  std::vector<KeptLayer> layers;
  for (const NodeId id : graph_.nodes()) {
    const Node& node = graph_.node(id);
    const std::optional<ValueDim> channels = output_channels_of(graph_, node);
    if (!channels) continue;
    KeptLayer layer{.node = display_name(graph_, node), .op_type = node.op_type};
    layer.channel_count = sets.size_of(*channels);
    for (std::int64_t i = layer.channel_count; i-- > 0;) {
      const std::optional<std::string> reason = sets.reason_to_keep({*channels, i});
      if (!reason) continue;
      ++layer.kept_count;
      layer.reason = *reason;
    }
    if (layer.kept_count > 0) layers.push_back(std::move(layer));
  }
  return layers;
}

// Dims of constants with how many indexes a unit has on each: units with the same list cost the same.
using Signature = std::vector<std::pair<ValueDim, std::int64_t>>;

Signature signature_of(const ChannelUnit& unit) {
  Signature signature;
  for (const DimIndex& member : unit) {
    if (signature.empty() || signature.back().first != member.dim) signature.push_back({member.dim, 0});
    ++signature.back().second;
  }
  return signature;
}

std::string name_of_group(const Graph& graph, const Signature& signature) {
  std::string name;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const std::optional<ValueDim> channels = output_channels_of(graph, node);
    if (!channels ||
        std::ranges::none_of(signature, [&](const auto& part) { return part.first == *channels; }))
      continue;
    name += (name.empty() ? "" : ", ") + display_name(graph, node);
  }
  if (!name.empty()) return name;
  for (const auto& [dim, count] : signature)
    if (graph.constant(dim.value)) return graph.name_of(dim.value);
  return name;
}

ChannelGroups Finder::groups() const {
  IndexSets sets = this->sets();
  std::map<std::int32_t, ChannelUnit> units;
  std::set<std::int32_t> with_constant;
  for (const ValueDim& dim : sets.dims())
    for (std::int64_t i = 0; i < sets.size_of(dim); ++i) {
      if (sets.reason_to_keep({dim, i})) continue;
      const std::int32_t set = sets.set_of({dim, i});
      units[set].push_back({dim, i});
      if (graph_.constant(dim.value)) with_constant.insert(set);
    }
  std::map<Signature, ChannelGroup> by_signature;
  for (auto& [set, unit] : units)
    if (with_constant.contains(set)) by_signature[signature_of(unit)].units.push_back(std::move(unit));
  ChannelGroups result{.kept = kept_layers(sets)};
  for (auto& [signature, group] : by_signature) {
    group.name = name_of_group(graph_, signature);
    for (const auto& [dim, count] : signature) group.dims.push_back(dim);
    result.groups.push_back(std::move(group));
  }
  return result;
}

}  // namespace

std::string display_name(const Graph& graph, const Node& node) {
  if (!node.name.empty()) return node.name;
  return node.has_output(0) ? graph.name_of(node.outputs[0]) : node.op_type;
}

ChannelGroups find_channel_groups(const Graph& graph, const std::vector<std::string>& excluded) {
  return Finder(graph, excluded).groups();
}

}  // namespace edgeopt
