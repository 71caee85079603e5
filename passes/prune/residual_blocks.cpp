#include "passes/prune/residual_blocks.h"

#include <algorithm>
#include <optional>
#include <set>

#include "ir/edit.h"
#include "ir/op.h"
#include "passes/framework/match.h"
#include "passes/prune/channel_groups.h"

namespace edgeopt {
namespace {

bool has_weights(const Graph& graph, const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op || op->quantization.weight_input < 0) return false;
  const auto input = static_cast<std::size_t>(op->quantization.weight_input);
  return node.has_input(input) && graph.constant(node.inputs[input]).has_value();
}

// The nodes from `skip` to `result`; nothing if something else flows in.
std::optional<std::set<NodeId>> nodes_between(const Graph& graph, ValueId skip, ValueId result) {
  std::set<NodeId> nodes;
  std::vector<ValueId> open = {result};
  bool reaches_skip = false;
  while (!open.empty()) {
    const ValueId value = open.back();
    open.pop_back();
    if (value == skip) {
      reaches_skip = true;
      continue;
    }
    if (value == ValueId::none || graph.constant(value)) continue;
    const Node* producer = graph.producer(value);
    if (!producer || !producer->captures.empty()) return std::nullopt;
    if (nodes.insert(producer->id).second)
      open.insert(open.end(), producer->inputs.begin(), producer->inputs.end());
  }
  return reaches_skip ? std::optional(std::move(nodes)) : std::nullopt;
}

bool is_read_elsewhere(const Graph& graph, const std::set<NodeId>& inside, NodeId add) {
  for (const NodeId id : inside)
    for (const ValueId output : graph.node(id).outputs) {
      if (output == ValueId::none) continue;
      if (graph.is_output(output)) return true;
      for (const Use& use : graph.uses(output))
        if (use.input_index < 0 || (use.node != add && !inside.contains(use.node))) return true;
    }
  return false;
}

std::optional<ResidualBlock> block_at(const Graph& graph, const Node& add, std::size_t skip_input) {
  const ValueId skip = add.inputs[skip_input], result = add.inputs[1 - skip_input], output = add.outputs[0];
  if (skip == result || graph.constant(skip) || !has_same_shape(graph, skip, output)) return std::nullopt;
  if (obstacle_to_replacing(graph, output, skip)) return std::nullopt;
  const std::optional<std::set<NodeId>> inside = nodes_between(graph, skip, result);
  if (!inside || is_read_elsewhere(graph, *inside, add.id)) return std::nullopt;
  ResidualBlock block{.name = display_name(graph, add), .add = add.id, .skip = skip};
  for (const NodeId id : graph.nodes())
    if (inside->contains(id)) block.branch.push_back(id);
  const bool has_layer =
      std::ranges::any_of(block.branch, [&](NodeId id) { return has_weights(graph, graph.node(id)); });
  return has_layer ? std::optional(std::move(block)) : std::nullopt;
}

}  // namespace

std::vector<ResidualBlock> find_residual_blocks(const Graph& graph) {
  std::vector<ResidualBlock> blocks;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!node.is("Add")) continue;
    for (const std::size_t skip_input : {std::size_t{0}, std::size_t{1}})
      if (auto block = block_at(graph, node, skip_input)) {
        blocks.push_back(std::move(*block));
        break;
      }
  }
  return blocks;
}

Graph without_block(const Graph& graph, const ResidualBlock& block) {
  Edit edit(graph);
  edit.replace(graph.node(block.add).outputs[0], block.skip);
  edit.remove(block.add);
  const std::vector<NodeId> backwards(block.branch.rbegin(), block.branch.rend());
  for (const NodeId id : backwards) edit.remove(id);
  return edit.apply();
}

}  // namespace edgeopt
