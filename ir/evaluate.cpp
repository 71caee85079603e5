#include "ir/evaluate.h"

#include <fmt/format.h>

#include <unordered_map>

#include "ir/op.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Environment = std::unordered_map<std::int32_t, Tensor>;

std::int32_t key_of(ValueId id) { return static_cast<std::int32_t>(id); }

// The values of the graph around a subgraph, by the names that the subgraph uses for them.
using Outer = std::function<Tensor(const std::string& name)>;

Tensors run(const Graph& graph, const Tensors& inputs, const Outer& outer);

Tensors run_node(const Graph& graph, const Node& node, const Tensors& inputs, const Outer& outer) {
  const OpDefinition* op = find_op(node);
  if (!op || !op->evaluate)
    throw UserError(fmt::format("operator '{}' of domain '{}' is not one that edgeopt can run", node.op_type,
                                node.domain.empty() ? "ai.onnx" : node.domain));
  require_inputs(*op, node);
  const EvaluateCall call{.node = node,
                          .opset = graph.opset(node.domain),
                          .inputs = inputs,
                          .run_subgraph = [&](const Graph& subgraph, const Tensors& given) {
                            return run(subgraph, given, outer);
                          }};
  Tensors results = op->evaluate(call);
  for (std::size_t i = results.size(); i < node.outputs.size(); ++i)
    if (node.outputs[i] != ValueId::none)
      throw UserError(fmt::format("output {} is wanted, but the operator computes {}", i, results.size()));
  return results;
}

void bind_inputs(const Graph& graph, const Tensors& inputs, Environment& environment) {
  const std::vector<ValueId> wanted = required_inputs(graph);
  if (inputs.size() != wanted.size())
    throw UserError(fmt::format("the graph has {} inputs, but {} are given", wanted.size(), inputs.size()));
  for (std::size_t i = 0; i < wanted.size(); ++i) environment[key_of(wanted[i])] = inputs[i];
}

Tensors run(const Graph& graph, const Tensors& inputs, const Outer& outer) {
  Environment environment;
  for (const ValueId id : graph.values())
    if (graph.value(id).constant) environment[key_of(id)] = *graph.value(id).constant;
  for (const ValueId id : graph.captured()) environment[key_of(id)] = outer(graph.name_of(id));
  bind_inputs(graph, inputs, environment);
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    Tensors operands;
    for (const ValueId input : node.inputs)
      operands.push_back(input == ValueId::none ? Tensor() : environment.at(key_of(input)));
    const Outer captured = [&](const std::string& name) {
      for (const Capture& capture : node.captures)
        if (capture.name == name) return environment.at(key_of(capture.value));
      throw InternalError(fmt::format("a subgraph reads '{}', which its node does not capture", name));
    };
    const Tensors results = while_doing(fmt::format("node '{}' ({})", node.name, node.op_type),
                                        [&] { return run_node(graph, node, operands, captured); });
    for (std::size_t i = 0; i < std::min(results.size(), node.outputs.size()); ++i)
      if (node.outputs[i] != ValueId::none) environment[key_of(node.outputs[i])] = results[i];
  }
  Tensors outputs;
  for (const ValueId id : graph.outputs()) outputs.push_back(environment.at(key_of(id)));
  return outputs;
}

Tensor no_outer_value(const std::string& name) {
  throw InternalError(fmt::format("the value '{}' belongs to an enclosing graph that is not there", name));
}

}  // namespace

Tensors evaluate_node(const Graph& graph, const Node& node, const Tensors& inputs) {
  return run_node(graph, node, inputs, no_outer_value);
}

Tensors evaluate_node(const Graph& graph, const Node& node, const Tensors& inputs,
                      const std::function<Tensor(const std::string& name)>& captured) {
  return run_node(graph, node, inputs, captured);
}

Tensors evaluate(const Graph& graph, const Tensors& inputs) { return run(graph, inputs, no_outer_value); }

std::vector<ValueId> required_inputs(const Graph& graph) {
  std::vector<ValueId> required;
  for (const ValueId id : graph.inputs())
    if (!graph.value(id).constant) required.push_back(id);
  return required;
}

}  // namespace edgeopt
