// Two nodes that compute the same from the same -> one (common subexpressions).
#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "ir/op.h"
#include "ir/rules/subgraph_rules.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

using Key = std::tuple<std::string, std::string, std::vector<ValueId>, std::vector<bool>>;
using Merged = std::unordered_map<std::int32_t, ValueId>;

bool can_merge(const Node& node) {
  const OpDefinition* op = find_op(node);
  return op && op->is_deterministic && !has_subgraph(node);
}

// What two equal nodes share besides their attributes. Inputs are those after the merges so far.
Key key_of(const Node& node, const Merged& merged) {
  std::vector<ValueId> inputs = node.inputs;
  for (ValueId& input : inputs)
    if (const auto found = merged.find(static_cast<std::int32_t>(input)); found != merged.end())
      input = found->second;
  if (find_op(node)->is_commutative) std::ranges::sort(inputs);
  std::vector<bool> is_present;
  for (const ValueId output : node.outputs) is_present.push_back(output != ValueId::none);
  return {node.domain, node.op_type, std::move(inputs), std::move(is_present)};
}

bool can_replace_outputs(const Graph& draft, const Node& second, const Node& first) {
  for (std::size_t i = 0; i < second.outputs.size(); ++i)
    if (second.outputs[i] != ValueId::none &&
        obstacle_to_replacing(draft, second.outputs[i], first.outputs[i]))
      return false;
  return true;
}

class Merger {
 public:
  explicit Merger(const Graph& graph) : graph_(graph) {}

  Sweep run() {
    for (const NodeId id : graph_.nodes()) {
      const Node& node = graph_.node(id);
      if (!can_merge(node)) continue;
      std::vector<const Node*>& candidates = seen_[key_of(node, merged_)];
      const auto first = std::ranges::find_if(
          candidates, [&](const Node* other) { return other->attributes == node.attributes; });
      if (first == candidates.end())
        candidates.push_back(&node);
      else
        merge(node, **first);
    }
    return std::move(sweep_);
  }

 private:
  void merge(const Node& second, const Node& first) {
    const Graph& draft = sweep_.edit ? sweep_.edit->draft() : graph_;
    if (!can_replace_outputs(draft, second, first)) {
      count_decline(sweep_.declined, "both results are outputs of the graph");
      return;
    }
    if (!sweep_.edit) sweep_.edit.emplace(graph_);
    for (std::size_t i = 0; i < second.outputs.size(); ++i) {
      if (second.outputs[i] == ValueId::none) continue;
      sweep_.edit->replace(second.outputs[i], first.outputs[i]);
      merged_[static_cast<std::int32_t>(second.outputs[i])] = first.outputs[i];
    }
    ++sweep_.rewrite_count;
  }

  const Graph& graph_;
  std::map<Key, std::vector<const Node*>> seen_;
  Merged merged_;
  Sweep sweep_;
};

}  // namespace

Pass merge_equal_nodes_pass() {
  return sweep_pass("merge_equal_nodes", {.summary = "Compute once what several nodes compute alike.",
                                          .sweep = [](const Graph& graph) { return Merger(graph).run(); }});
}

}  // namespace edgeopt
