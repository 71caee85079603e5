// y = Constant<value> -> constant y: one place where constants live.
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

// Constant's attributes besides `value` (since opset 12); sparse_value stays as it is.
std::optional<Tensor> tensor_of(const Node& node) {
  const Attributes& attributes = node.attributes;
  if (const auto* tensor = attributes.get<Tensor>("value")) return *tensor;
  if (const auto* number = attributes.get<float>("value_float")) return Tensor::scalar(*number);
  if (const auto* number = attributes.get<std::int64_t>("value_int")) return Tensor::scalar(*number);
  if (const auto* text = attributes.get<std::string>("value_string")) return Tensor::of_strings({}, {*text});
  if (const auto* list = attributes.get<std::vector<float>>("value_floats"))
    return Tensor::of<float>({static_cast<std::int64_t>(list->size())}, *list);
  if (const auto* list = attributes.get<std::vector<std::int64_t>>("value_ints")) return int64_tensor(*list);
  if (const auto* list = attributes.get<std::vector<std::string>>("value_strings"))
    return Tensor::of_strings({static_cast<std::int64_t>(list->size())}, *list);
  return std::nullopt;
}

Sweep replace_constant_nodes(const Graph& graph) {
  Sweep sweep;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!node.is("Constant")) continue;
    const std::optional<Tensor> tensor = tensor_of(node);
    if (!tensor || graph.is_output(node.outputs[0])) {
      count_decline(sweep.declined,
                    tensor ? "its result is an output of the graph" : "the constant is sparse");
      continue;
    }
    if (!sweep.edit) sweep.edit.emplace(graph);
    sweep.edit->replace(node.outputs[0], sweep.edit->add_constant(*tensor, graph.name_of(node.outputs[0])));
    ++sweep.rewrite_count;
  }
  return sweep;
}

}  // namespace

Pass replace_constant_nodes_pass() {
  return sweep_pass("replace_constant_nodes",
                    {.summary = "Keep the tensors of Constant nodes as constants of the graph.",
                     .sweep = replace_constant_nodes});
}

}  // namespace edgeopt
