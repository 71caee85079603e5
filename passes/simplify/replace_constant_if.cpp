// If(constant) -> the nodes of the branch that is taken
#include <unordered_map>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

// Copies a subgraph's nodes and constants into the graph around it.
class Inlining {
 public:
  Inlining(const Graph& outer, const Node& owner, const Graph& branch) : edit_(outer), branch_(branch) {
    for (const Capture& capture : owner.captures)
      if (const auto inner = branch.find_value(capture.name)) set(*inner, capture.value);
    for (const ValueId id : branch.values())
      if (branch.value(id).constant)
        set(id, edit_.add_constant(*branch.value(id).constant, branch.name_of(id)));
    for (const NodeId id : branch.nodes()) copy(branch.node(id));
    for (std::size_t i = 0; i < owner.outputs.size(); ++i)
      if (owner.outputs[i] != ValueId::none)
        edit_.replace(owner.outputs[i], outer_value(branch.outputs()[i]));
  }

  Edit take() { return std::move(edit_); }

 private:
  void set(ValueId inner, ValueId outer) { outer_[static_cast<std::int32_t>(inner)] = outer; }
  ValueId outer_value(ValueId inner) const {
    return inner == ValueId::none ? inner : outer_.at(static_cast<std::int32_t>(inner));
  }

  void copy(const Node& node) {
    NodeSpec spec{.op_type = node.op_type,
                  .attributes = node.attributes,
                  .output_count = static_cast<int>(node.outputs.size()),
                  .domain = node.domain,
                  .name = node.name};
    for (const ValueId input : node.inputs) spec.inputs.push_back(outer_value(input));
    for (const ValueId output : node.outputs)
      spec.output_names.push_back(output == ValueId::none ? "unused" : branch_.name_of(output));
    for (const Capture& capture : node.captures)
      spec.captures.push_back({capture.name, outer_value(capture.value)});
    const std::vector<ValueId> outputs = edit_.add_node(std::move(spec));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (node.outputs[i] != ValueId::none) set(node.outputs[i], outputs[i]);
  }

  Edit edit_;
  const Graph& branch_;
  std::unordered_map<std::int32_t, ValueId> outer_;  // what stands outside for a value of the branch
};

Plan replace_constant_if(const Graph& graph, const Node& choice) {
  const auto condition = constant_number(graph, choice.inputs[0]);
  if (!condition) return decline("the condition is computed, not constant");
  const auto* branch = choice.attributes.get<GraphPtr>(*condition != 0 ? "then_branch" : "else_branch");
  if (!branch) return decline("the branch is missing");
  return Inlining(graph, choice, **branch).take();
}

}  // namespace

Pass replace_constant_if_pass() {
  return rewrite_pass("replace_constant_if",
                      {.roots = {"If"},
                       .summary = "Replace an If of constant condition by the branch it takes.",
                       .plan = replace_constant_if});
}

}  // namespace edgeopt
