#include "passes/prune/graph_cost.h"

#include <algorithm>
#include <optional>

namespace edgeopt {
namespace {

// Multiply-adds in the time that one element of a window takes to be laid out, or one of the result to be
// written. From resnet20's int8 Convs of 2.36 M multiply-adds each in ONNX Runtime 1.30 (AVX-512 VNNI): 15, 9
// and 8 us with 164, 82 and 41 thousand such elements.
constexpr double multiply_adds_per_element = 22;

double element_count(const Operand& operand) {
  double count = 1;
  if (operand.has_shape())
    for (const Dim& dim : operand.shape()) count *= dim.is_number() ? static_cast<double>(dim.size) : 1;
  return count;
}

std::optional<double> channels_of(const Operand& operand) {
  if (!operand.has_shape() || operand.shape().size() < 2 || !operand.shape()[1].is_number())
    return std::nullopt;
  return static_cast<double>(operand.shape()[1].size);
}

// The groups are counted by the sizes that remain: those of a depthwise Conv go with its channels.
double moved_elements(const Node& node, const std::vector<Operand>& inputs, const Operand& output,
                      double multiply_adds) {
  if (!node.is("Conv")) return 0;
  const auto channels = channels_of(output), given = channels_of(inputs.at(0)),
             read = channels_of(inputs.at(1));
  if (!channels || !given || !read || *given == 0 || *read == 0) return 0;
  const double outputs_per_group = *channels * *read / *given;
  return (outputs_per_group > 0 ? multiply_adds / outputs_per_group : 0) + element_count(output);
}

}  // namespace

std::vector<std::int64_t> unit_sizes(const ChannelGroup& group) {
  std::vector<std::int64_t> sizes;
  for (const ValueDim& dim : group.dims)
    sizes.push_back(std::ranges::count_if(group.units.front(),
                                          [&](const DimIndex& member) { return member.dim == dim; }));
  return sizes;
}

double cost_of(const Graph& graph, CostKind kind, std::int64_t channel_multiple) {
  return GraphCost(graph, kind, channel_multiple).total();
}

GraphCost::GraphCost(const Graph& graph, CostKind kind, std::int64_t channel_multiple)
    : graph_(graph), kind_(kind), multiple_(std::max<std::int64_t>(1, channel_multiple)) {
  const auto add = [&](Place place, const std::vector<ValueId>& values) {
    place.cost = cost_of(place);
    total_ += place.cost;
    for (const ValueId id : values)
      if (id != ValueId::none) places_at_[id].push_back(places_.size());
    places_.push_back(std::move(place));
  };
  if (kind == CostKind::parameters) {
    for (const ValueId id : graph.values())
      if (graph.value(id).constant) add({.constant = id}, {id});
    return;
  }
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const OpDefinition* op = find_op(node);
    if (!op || !op->count_cost) continue;
    std::vector<ValueId> values = node.inputs;
    values.insert(values.end(), node.outputs.begin(), node.outputs.end());
    add({.node = &node, .inputs = operands_of(graph, node)}, values);
  }
}

Operand GraphCost::sized(Operand operand, ValueId value) const {
  if (!operand.has_shape()) return operand;
  for (std::size_t axis = 0; axis < operand.shape().size(); ++axis) {
    const auto found = sizes_.find({value, static_cast<int>(axis)});
    if (found == sizes_.end()) continue;
    const std::int64_t rounded = (found->second + multiple_ - 1) / multiple_ * multiple_;
    (*operand.type.shape)[axis] = kind_ == CostKind::latency ? rounded : found->second;
  }
  return operand;
}

double GraphCost::cost_of(Place& place) const {
  if (!place.node) {
    const Operand constant = sized({.type = graph_.type_of(place.constant)}, place.constant);
    double count = 1;
    for (const Dim& dim : *constant.type.shape) count *= static_cast<double>(dim.size);
    return count;
  }
  for (std::size_t i = 0; i < place.inputs.size(); ++i)
    if (place.inputs[i].is_present)
      place.inputs[i] = sized(std::move(place.inputs[i]), place.node->inputs[i]);
  std::vector<Operand> outputs;
  for (const ValueId id : place.node->outputs)
    outputs.push_back(id == ValueId::none ? Operand{.is_present = false}
                                          : sized({.type = graph_.type_of(id)}, id));
  const Cost cost =
      find_op(*place.node)
          ->count_cost(
              {.node = *place.node, .opset = graph_.opset(place.node->domain), .inputs = place.inputs},
              outputs);
  const auto multiply_adds = static_cast<double>(cost.multiply_adds);
  if (kind_ != CostKind::latency) return multiply_adds;
  return multiply_adds + static_cast<double>(cost.other_operations) +
         multiply_adds_per_element * moved_elements(*place.node, place.inputs, outputs.at(0), multiply_adds);
}

const std::vector<std::size_t>& GraphCost::places_of(const ChannelGroup& group) {
  const auto found = places_of_.find(&group);
  if (found != places_of_.end()) return found->second;
  std::vector<std::size_t>& places = places_of_[&group];
  for (const ValueDim& dim : group.dims) {
    sizes_.try_emplace(dim, (*graph_.type_of(dim.value).shape)[static_cast<std::size_t>(dim.axis)].size);
    const auto at = places_at_.find(dim.value);
    if (at != places_at_.end()) places.insert(places.end(), at->second.begin(), at->second.end());
  }
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

void GraphCost::resize(const ChannelGroup& group, std::int64_t units) {
  places_of(group);
  const std::vector<std::int64_t> sizes = unit_sizes(group);
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes_.at(group.dims[i]) -= units * sizes[i];
}

double GraphCost::gain(const ChannelGroup& group, std::int64_t units) {
  resize(group, units);
  double gain = 0;
  for (const std::size_t k : places_of(group)) gain += places_[k].cost - cost_of(places_[k]);
  resize(group, -units);
  return gain;
}

void GraphCost::remove(const ChannelGroup& group, std::int64_t units) {
  resize(group, units);
  for (const std::size_t k : places_of(group)) {
    const double cost = cost_of(places_[k]);
    total_ += cost - places_[k].cost;
    places_[k].cost = cost;
  }
}

}  // namespace edgeopt
