// relu(concat(conv a, conv b)) == concat(relu(conv a), relu(conv b)) and relu(max pool(conv a)) == max
// pool(relu(conv a)): behind its layer the activation vanishes into the quantization.
#include <algorithm>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

bool is_layer(const Node* node) { return node && (node->is("Conv") || node->is("Gemm")); }

// All values that the activation would have to follow, or why it cannot.
std::optional<std::string> obstacle_at(const Graph& graph, const Node& between) {
  const std::size_t count = between.is("Concat") ? between.inputs.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const ValueId input = between.inputs[i];
    if (!is_layer(graph.producer(input)) || !graph.has_single_use(input))
      return "an input is not computed by a Conv or Gemm for it alone";
  }
  return std::nullopt;
}

// A window that holds padding alone gives the lowest number, below any bound.
bool may_see_padding_alone(const Node& pool) { return pool.attributes.get_int("ceil_mode", 0) != 0; }

Plan move_activation(const Graph& graph, const Node& activation) {
  const Node* between = graph.producer(activation.inputs[0]);
  if (!between || !(between->is("Concat") || between->is("MaxPool"))) return no_match();
  if (!graph.has_single_use(activation.inputs[0])) return decline("the value before it is used elsewhere");
  if (between->is("MaxPool") && used_output_count(graph, *between) > 1)
    return decline("the indices of the MaxPool are used");
  if (between->is("MaxPool") && may_see_padding_alone(*between))
    return decline("a window of the MaxPool may lie in the padding alone");
  if (const auto obstacle = obstacle_at(graph, *between)) return decline(*obstacle);

  Edit edit(graph);
  std::vector<ValueId> inputs = between->inputs;
  for (ValueId& input : inputs) {
    std::vector<ValueId> operands = activation.inputs;
    operands[0] = input;
    input = edit.add_node({.op_type = activation.op_type,
                           .inputs = std::move(operands),
                           .attributes = activation.attributes,
                           .output_names = {graph.name_of(input) + "_activated"}})[0];
  }
  edit.replace(activation.outputs[0],
               edit.add_node({.op_type = between->op_type,
                              .inputs = std::move(inputs),
                              .attributes = between->attributes,
                              .name = between->name,
                              .output_names = {graph.name_of(activation.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass move_activation_to_layers_pass() {
  return rewrite_pass("move_activation_to_layers",
                      {.roots = {"Relu", "Clip"},
                       .summary = "Move a Relu or Clip behind Concat or MaxPool to the layers before.",
                       .fidelity = Fidelity::exact,
                       .plan = move_activation});
}

}  // namespace edgeopt
