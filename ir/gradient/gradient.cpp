// Reverse accumulation: walking the nodes backwards, each node's rule turns the summed gradients of its
// outputs into contributions to the gradients of its inputs.
#include "ir/gradient/gradient.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/infer.h"
#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::size_t index_of(ValueId id) { return static_cast<std::size_t>(id); }

/// By ValueId.
using Flags = std::vector<bool>;
using Contributions = std::vector<std::vector<ValueId>>;

// Floats carry a gradient; so do the integers of QuantizeLinear, for the DequantizeLinear behind them
// (straight-through). A value of unknown type may be a float.
bool carries_gradient(const Graph& graph, ValueId id) {
  const DataType dtype = graph.type_of(id).dtype;
  return dtype == DataType::undefined || is_floating_point(dtype) || graph.producer(id, "QuantizeLinear");
}

std::size_t value_limit(const Graph& graph) {
  std::size_t limit = 0;
  for (const ValueId id : graph.values()) limit = std::max(limit, index_of(id) + 1);
  return limit;
}

void require_float(const Graph& graph, ValueId id, std::string_view what) {
  const DataType dtype = graph.type_of(id).dtype;
  if (!is_floating_point(dtype))
    throw UserError(fmt::format("{} '{}' has elements of type {}, but a gradient needs floating-point ones",
                                what, graph.name_of(id), name_of(dtype)));
}

bool reads_any(const Node& node, const Flags& flags) {
  return std::ranges::any_of(node.inputs,
                             [&](ValueId id) { return id != ValueId::none && flags[index_of(id)]; }) ||
         std::ranges::any_of(node.captures,
                             [&](const Capture& capture) { return flags[index_of(capture.value)]; });
}

// The values that change with one of `sources`.
Flags dependent_values(const Graph& graph, std::span<const ValueId> sources) {
  Flags depends(value_limit(graph), false);
  for (const ValueId id : sources) depends[index_of(id)] = true;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!reads_any(node, depends)) continue;
    for (const ValueId output : node.outputs)
      if (output != ValueId::none && carries_gradient(graph, output)) depends[index_of(output)] = true;
  }
  return depends;
}

// The sum of all contributions, in the order in which they came; ValueId::none if there are none.
ValueId summed(Edit& edit, std::vector<ValueId>& contributions) {
  if (contributions.empty()) return ValueId::none;
  ValueId sum = contributions[0];
  for (std::size_t i = 1; i < contributions.size(); ++i) sum = edit.add_node("Add", {sum, contributions[i]});
  contributions = {sum};
  return sum;
}

bool has_subgraphs(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [&](NodeId id) { return has_subgraph(graph.node(id)); });
}

std::vector<ValueId> apply_rule(const GradientCall& call) {
  const OpDefinition* op = find_op(call.node);
  if (!op || !op->gradient)
    throw UserError(fmt::format(
        "node '{}' ({}) lies between the result and what is to be learned, but operator {} has no gradient",
        call.node.name, call.node.op_type, call.node.op_type));
  std::vector<ValueId> gradients = op->gradient(call);
  gradients.resize(call.node.inputs.size() + call.node.captures.size(), ValueId::none);
  return gradients;
}

class Accumulation {
 public:
  Accumulation(const Graph& graph, std::span<const ValueId> with_respect_to)
      : graph_(graph),
        edit_(graph),
        depends_(dependent_values(graph, with_respect_to)),
        contributions_(depends_.size()) {}

  void seed(ValueId output) {
    if (depends_[index_of(output)])
      contributions_[index_of(output)].push_back(filled_like(edit_, graph_, output, 1));
  }

  void walk_back() {
    const std::span<const NodeId> nodes = graph_.nodes();
    for (auto id = nodes.rbegin(); id != nodes.rend(); ++id) visit(graph_.node(*id));
  }

  void add_output(ValueId value) {
    ValueId gradient = summed(edit_, contributions_[index_of(value)]);
    if (gradient == ValueId::none) gradient = filled_like(edit_, graph_, value, 0);
    const ValueId output = edit_.add_node({.op_type = "Identity",
                                           .inputs = {gradient},
                                           .output_names = {graph_.name_of(value) + "_gradient"}})[0];
    edit_.set_type(output, graph_.type_of(value), true);
    edit_.add_output(output);
  }

  Graph finish() {
    remove_unused();
    if (graph_.opset(training_domain) == 0) edit_.set_opset(training_domain, 1);
    // Once more as a whole: dims on their way to Reshape and Expand are known then.
    return with_inferred_types(edit_.apply());
  }

 private:
  // What a rule added on the way to an input whose gradient turned out to be zero.
  void remove_unused() {
    const Graph& draft = edit_.draft();
    Flags is_read(value_limit(draft), false);
    for (const ValueId id : draft.outputs()) is_read[index_of(id)] = true;
    const std::vector<NodeId> nodes(draft.nodes().begin(), draft.nodes().end());
    for (auto id = nodes.rbegin(); id != nodes.rend() && !graph_.contains(*id); ++id) {
      const Node& node = draft.node(*id);
      if (!std::ranges::any_of(node.outputs, [&](ValueId output) {
            return output != ValueId::none && is_read[index_of(output)];
          })) {
        edit_.remove(*id);
        continue;
      }
      for (const ValueId input : node.inputs)
        if (input != ValueId::none) is_read[index_of(input)] = true;
      for (const Capture& capture : node.captures) is_read[index_of(capture.value)] = true;
    }
  }

  void visit(const Node& node) {
    if (!reads_any(node, depends_)) return;
    std::vector<ValueId> output_gradients;
    for (const ValueId output : node.outputs)
      output_gradients.push_back(output == ValueId::none ? ValueId::none
                                                         : summed(edit_, contributions_[index_of(output)]));
    if (std::ranges::count(output_gradients, ValueId::none) == std::ssize(output_gradients)) return;
    std::vector<bool> wanted, wanted_captures;
    for (const ValueId input : node.inputs)
      wanted.push_back(input != ValueId::none && depends_[index_of(input)]);
    for (const Capture& capture : node.captures) wanted_captures.push_back(depends_[index_of(capture.value)]);
    const std::vector<ValueId> gradients = apply_rule({.node = node,
                                                       .graph = graph_,
                                                       .edit = edit_,
                                                       .output_gradients = output_gradients,
                                                       .wanted_inputs = wanted,
                                                       .wanted_captures = wanted_captures,
                                                       .opset = graph_.opset(node.domain)});
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (wanted[i]) contribute(node.inputs[i], gradients[i]);
    for (std::size_t i = 0; i < wanted_captures.size(); ++i)
      if (wanted_captures[i]) contribute(node.captures[i].value, gradients[wanted.size() + i]);
  }

  void contribute(ValueId value, ValueId gradient) {
    if (gradient != ValueId::none) contributions_[index_of(value)].push_back(gradient);
  }

  const Graph& graph_;
  Edit edit_;
  Flags depends_;
  Contributions contributions_;
};

}  // namespace

Graph gradient(const Graph& original, std::span<const ValueId> outputs,
               std::span<const ValueId> with_respect_to) {
  // The rules ask for the types of values inside subgraphs too.
  const Graph graph = has_subgraphs(original) ? with_inferred_types(original) : original;
  for (const ValueId id : outputs) require_float(graph, id, "the output");
  for (const ValueId id : with_respect_to) require_float(graph, id, "the value");
  if (graph.opset() < 13)
    throw UserError(
        fmt::format("gradients need a model of opset 13 or later, but this one has opset {}", graph.opset()));
  Accumulation accumulation(graph, with_respect_to);
  for (const ValueId id : outputs) accumulation.seed(id);
  accumulation.walk_back();
  for (const ValueId id : with_respect_to) accumulation.add_output(id);
  return accumulation.finish();
}

}  // namespace edgeopt
