// y = f(x) -> the nodes of f's body, for functions that the model defines itself; no other pass looks into
// them.
#include <algorithm>
#include <set>

#include "ir/inline_graph.h"
#include "ir/rules/subgraph_rules.h"
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

const Function* function_called(const Graph& graph, const Node& node) {
  for (const Function& function : graph.header().functions)
    if (function.name == node.op_type && function.domain == node.domain) return &function;
  return nullptr;
}

// A function that ends up in itself would never be inlined to the end; ONNX forbids it.
bool is_recursive(const Graph& graph, const Function& function, std::set<const Function*> callers = {}) {
  if (!callers.insert(&function).second) return true;
  return std::ranges::any_of(function.body->nodes(), [&](NodeId id) {
    const Function* called = function_called(graph, function.body->node(id));
    return called && is_recursive(graph, *called, callers);
  });
}

// Why the call must stay; empty if it need not.
std::string obstacle(const Graph& graph, const Node& call, const Function& function) {
  for (const OpsetImport& import : function.opset_imports)
    if (graph.opset(import.domain) != import.version) return "the function is written for another opset";
  if (is_recursive(graph, function)) return "the function calls itself";
  const Graph& body = *function.body;
  if (call.inputs.size() > body.inputs().size() || call.outputs.size() > body.outputs().size())
    return "the call does not fit the function";
  for (const NodeId id : body.nodes()) {
    if (has_subgraph(body.node(id))) return "the function has subgraphs";
    for (const auto& [name, attribute] : body.node(id).attributes)
      if (const auto* reference = std::get_if<AttributeReference>(&attribute.data))
        if (!call.attributes.find(reference->name) && !function.unknown_fields.empty())
          return "an attribute may have a default that edgeopt does not read";
  }
  return "";
}

// References to the function's attributes become what the call says; what it leaves out is left out.
Attributes with_attributes_of(const Node& call, const Attributes& attributes) {
  Attributes result;
  for (const auto& [name, attribute] : attributes) {
    const auto* reference = std::get_if<AttributeReference>(&attribute.data);
    const Attribute* given = reference ? call.attributes.find(reference->name) : &attribute;
    if (given) result.set(name, *given);
  }
  return result;
}

Plan inline_function(const Graph& graph, const Node& call) {
  const Function* function = function_called(graph, call);
  if (!function) return no_match();
  if (std::string why = obstacle(graph, call, *function); !why.empty()) return decline(std::move(why));

  Bindings bindings;
  const std::span<const ValueId> parameters = function->body->inputs();
  for (std::size_t i = 0; i < parameters.size(); ++i) bindings.set(parameters[i], call.input(i));
  Edit edit(graph);
  const std::vector<ValueId> results =
      inline_graph(edit, *function->body, std::move(bindings),
                   [&](const Attributes& attributes) { return with_attributes_of(call, attributes); });
  for (std::size_t i = 0; i < call.outputs.size(); ++i)
    if (call.outputs[i] != ValueId::none) edit.replace(call.outputs[i], results[i]);
  return edit;
}

}  // namespace

Pass inline_functions_pass() {
  return rewrite_pass("inline_functions",
                      {.roots = {},
                       .summary = "Put the body of a model's own function where it is called.",
                       .plan = inline_function});
}

}  // namespace edgeopt
