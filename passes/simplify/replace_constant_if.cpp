// If(constant) -> the nodes of the branch that is taken
#include "ir/inline_graph.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

Plan replace_constant_if(const Graph& graph, const Node& choice) {
  const auto condition = constant_number(graph, choice.inputs[0]);
  if (!condition) return decline("the condition is computed, not constant");
  const auto* branch = choice.attributes.get<GraphPtr>(*condition != 0 ? "then_branch" : "else_branch");
  if (!branch) return decline("the branch is missing");

  Bindings bindings;
  for (const Capture& capture : choice.captures)
    if (const auto inner = (*branch)->find_value(capture.name)) bindings.set(*inner, capture.value);
  Edit edit(graph);
  const std::vector<ValueId> results = inline_graph(edit, **branch, std::move(bindings));
  if (results.size() < choice.outputs.size()) return decline("the branch returns too little");
  for (std::size_t i = 0; i < choice.outputs.size(); ++i)
    if (choice.outputs[i] != ValueId::none) edit.replace(choice.outputs[i], results[i]);
  return edit;
}

}  // namespace

Pass replace_constant_if_pass() {
  return rewrite_pass("replace_constant_if",
                      {.roots = {"If"},
                       .summary = "Replace an If of constant condition by the branch it takes.",
                       .plan = replace_constant_if});
}

}  // namespace edgeopt
