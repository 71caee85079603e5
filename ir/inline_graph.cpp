#include "ir/inline_graph.h"

#include "support/error.h"

namespace edgeopt {
namespace {

NodeSpec spec_of(const Graph& inner, const Node& node, const Bindings& bindings,
                 const ChangeAttributes& change) {
  NodeSpec spec{.op_type = node.op_type,
                .attributes = change ? change(node.attributes) : node.attributes,
                .output_count = static_cast<int>(node.outputs.size()),
                .domain = node.domain,
                .name = node.name};
  for (const ValueId input : node.inputs) spec.inputs.push_back(bindings[input]);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const bool is_left_out = node.outputs[i] == ValueId::none;
    spec.output_names.push_back(is_left_out ? "" : inner.name_of(node.outputs[i]));
    if (is_left_out) spec.left_out_outputs.push_back(i);
  }
  for (const Capture& capture : node.captures)
    spec.captures.push_back({capture.name, bindings[capture.value]});
  return spec;
}

}  // namespace

ValueId Bindings::operator[](ValueId inner) const {
  if (inner == ValueId::none) return inner;
  const auto found = outer_.find(static_cast<std::int32_t>(inner));
  if (found == outer_.end()) throw InternalError("an inlined graph reads a value that nothing stands for");
  return found->second;
}

std::vector<ValueId> inline_graph(Edit& edit, const Graph& inner, Bindings bindings,
                                  const ChangeAttributes& change) {
  for (const ValueId id : inner.values())
    if (inner.value(id).constant)
      bindings.set(id, edit.add_constant(*inner.value(id).constant, inner.name_of(id)));
  for (const NodeId id : inner.nodes()) {
    const Node& node = inner.node(id);
    const std::vector<ValueId> outputs = edit.add_node(spec_of(inner, node, bindings, change));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (node.outputs[i] != ValueId::none) bindings.set(node.outputs[i], outputs[i]);
  }
  std::vector<ValueId> outputs;
  for (const ValueId output : inner.outputs()) outputs.push_back(bindings[output]);
  return outputs;
}

}  // namespace edgeopt
