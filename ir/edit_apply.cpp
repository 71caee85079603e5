// Edit::apply in four steps: drop what lost its last use, put new nodes in their places, count the uses,
// infer and check.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>

#include "ir/edit.h"
#include "ir/infer.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using NodePtr = std::shared_ptr<const Node>;
using ValuePtr = std::shared_ptr<const Value>;
using Uses = std::vector<std::vector<Use>>;

std::size_t index_of(ValueId id) { return static_cast<std::size_t>(id); }
std::size_t index_of(NodeId id) { return static_cast<std::size_t>(id); }

template <typename Visit>
void for_each_read(const Node& node, Visit visit) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (node.inputs[i] != ValueId::none) visit(node.inputs[i], static_cast<int>(i));
  for (const Capture& capture : node.captures) visit(capture.value, -1);
}

Uses count_uses(const std::vector<NodeId>& order, const std::vector<NodePtr>& nodes,
                std::size_t value_count) {
  Uses uses(value_count);
  for (const NodeId id : order) {
    const NodePtr& node = nodes[index_of(id)];
    for_each_read(*node, [&](ValueId value, int input) {
      if (index_of(value) >= value_count)
        throw InternalError(
            fmt::format("node '{}' ({}) reads a value that does not exist", node->name, node->op_type));
      uses[index_of(value)].push_back({id, input});
    });
  }
  return uses;
}

// Where each node wants to stand: old nodes where they were, a new node at the place of its first user.
std::vector<double> wished_places(const std::vector<NodeId>& order, const std::vector<NodePtr>& nodes,
                                  const Uses& uses, std::size_t old_node_count) {
  constexpr double nowhere = std::numeric_limits<double>::infinity();
  std::vector<double> place(nodes.size(), nowhere);
  double last = 0;
  for (const NodeId id : order)
    if (index_of(id) < old_node_count) place[index_of(id)] = ++last;
  if (last == 0) {
    for (const NodeId id : order) place[index_of(id)] = ++last;
    return place;
  }
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    if (index_of(*id) < old_node_count) continue;
    for (const ValueId output : nodes[index_of(*id)]->outputs)
      if (output != ValueId::none)
        for (const Use& use : uses[index_of(output)])
          place[index_of(*id)] = std::min(place[index_of(*id)], place[index_of(use.node)]);
  }
  return place;
}

bool is_sorted(const std::vector<NodeId>& order, const std::vector<NodePtr>& nodes,
               const std::vector<ValuePtr>& values) {
  std::vector<bool> is_done(nodes.size(), false);
  for (const NodeId id : order) {
    bool is_ready = true;
    for_each_read(*nodes[index_of(id)], [&](ValueId value, int) {
      if (!values[index_of(value)]) return;
      const NodeId producer = values[index_of(value)]->producer;
      is_ready = is_ready && (producer == NodeId::none || is_done[index_of(producer)]);
    });
    if (!is_ready) return false;
    is_done[index_of(id)] = true;
  }
  return true;
}

// Kahn's algorithm; among ready nodes the one with the smallest (place, id) goes first.
std::vector<NodeId> topological_order(const std::vector<NodeId>& order, const std::vector<NodePtr>& nodes,
                                      const std::vector<ValuePtr>& values, const Uses& uses,
                                      const std::vector<double>& place) {
  std::vector<int> missing(nodes.size(), 0);
  using Entry = std::pair<double, NodeId>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  for (const NodeId id : order) {
    for_each_read(*nodes[index_of(id)], [&](ValueId value, int) {
      missing[index_of(id)] += values[index_of(value)] && values[index_of(value)]->producer != NodeId::none;
    });
    if (missing[index_of(id)] == 0) ready.emplace(place[index_of(id)], id);
  }
  std::vector<NodeId> sorted;
  while (!ready.empty()) {
    const NodeId id = ready.top().second;
    ready.pop();
    sorted.push_back(id);
    for (const ValueId output : nodes[index_of(id)]->outputs)
      if (output != ValueId::none)
        for (const Use& use : uses[index_of(output)])
          if (--missing[index_of(use.node)] == 0) ready.emplace(place[index_of(use.node)], use.node);
  }
  if (sorted.size() != order.size()) throw UserError("the nodes form a cycle; a graph must be acyclic");
  return sorted;
}

/// The inside of a graph that is being put together.
struct Parts {
  std::vector<NodeId>& order;
  std::vector<NodePtr>& nodes;
  std::vector<ValuePtr>& values;
  Uses& uses;
};

bool is_read(const Graph& graph, const Parts& parts, ValueId id) {
  return id != ValueId::none && (!parts.uses[index_of(id)].empty() || graph.is_output(id));
}

/// Takes out values that nobody reads any more, the nodes that computed nothing else, and so on upwards.
void remove_dead(const Graph& graph, const Parts& parts, std::vector<ValueId> suspects) {
  while (!suspects.empty()) {
    const ValueId id = suspects.back();
    suspects.pop_back();
    if (!graph.contains(id) || is_read(graph, parts, id)) continue;
    const Value& value = graph.value(id);
    const bool stays = value.is_input || value.is_captured;
    if (value.producer == NodeId::none) {
      if (!stays) parts.values[index_of(id)] = nullptr;
      continue;
    }
    const NodePtr node = parts.nodes[index_of(value.producer)];
    if (std::ranges::any_of(node->outputs, [&](ValueId output) { return is_read(graph, parts, output); }))
      continue;
    for_each_read(*node, [&](ValueId read, int) {
      std::erase_if(parts.uses[index_of(read)], [&](const Use& use) { return use.node == node->id; });
      suspects.push_back(read);
    });
    for (const ValueId output : node->outputs)
      if (output != ValueId::none) parts.values[index_of(output)] = nullptr;
    parts.nodes[index_of(node->id)] = nullptr;
  }
  std::erase_if(parts.order, [&](NodeId id) { return !parts.nodes[index_of(id)]; });
}

void sort_nodes(const Parts& parts, std::size_t old_node_count) {
  const std::vector<double> place = wished_places(parts.order, parts.nodes, parts.uses, old_node_count);
  std::ranges::stable_sort(parts.order, [&](NodeId a, NodeId b) {
    return std::pair(place[index_of(a)], index_of(a) < old_node_count) <
           std::pair(place[index_of(b)], index_of(b) < old_node_count);
  });
  if (!is_sorted(parts.order, parts.nodes, parts.values))
    parts.order = topological_order(parts.order, parts.nodes, parts.values, parts.uses, place);
}

/// Infers the types of what a new node computes, where the edit did not state them.
void infer_outputs(const Graph& graph, const Parts& parts, const Node& node) {
  const std::vector<ValueType> types = infer_output_types(graph, node);
  for (std::size_t k = 0; k < types.size(); ++k) {
    const ValueId output = node.outputs[k];
    if (output == ValueId::none) continue;
    const ValueType& known = graph.value(output).type;
    if (known.dtype != DataType::undefined || !known.is_tensor()) continue;
    auto typed = std::make_shared<Value>(graph.value(output));
    typed->type = types[k];
    parts.values[index_of(output)] = std::move(typed);
  }
}

}  // namespace

Graph Edit::apply() const {
  Graph result = draft_;
  const Parts parts{result.order_, result.nodes_, result.values_, result.uses_};
  std::erase_if(parts.order, [&](NodeId id) { return !parts.nodes[index_of(id)]; });
  parts.uses = count_uses(parts.order, parts.nodes, parts.values.size());
  remove_dead(result, parts, abandoned_);

  sort_nodes(parts, old_node_count_);
  parts.uses = count_uses(parts.order, parts.nodes, parts.values.size());

  for (std::size_t i = old_node_count_; i < parts.nodes.size(); ++i)
    if (parts.nodes[i]) infer_outputs(result, parts, *parts.nodes[i]);
  verify(result);
  return result;
}

}  // namespace edgeopt
