#include "passes/opsets/opset_conversion.h"

namespace edgeopt {

void Conversion::set(std::size_t input, Tensor tensor, const std::string& hint) const {
  edit.set_input(node.id, input,
                 edit.add_constant(std::move(tensor), node.name.empty() ? hint : node.name + "_" + hint));
}

void Conversion::drop_attributes(std::initializer_list<const char*> names) const {
  Attributes left = node.attributes;
  for (const char* name : names) left.remove(name);
  edit.set_attributes(node.id, left);
}

void Conversion::set_attribute(const std::string& name, Attribute value) const {
  Attributes changed = node.attributes;
  changed.set(name, std::move(value));
  edit.set_attributes(node.id, changed);
}

void Conversion::replace_by(NodeSpec spec) const {
  spec.name = node.name;
  spec.output_count = static_cast<int>(node.outputs.size());
  const std::vector<ValueId> results = edit.add_node(std::move(spec));
  for (std::size_t i = 0; i < results.size(); ++i)
    if (node.outputs[i] != ValueId::none) edit.replace(node.outputs[i], results[i]);
}

bool Conversion::is_used(ValueId value) const { return !graph.uses(value).empty() || graph.is_output(value); }

Reason convert_by(const std::map<std::string, ConversionRule>& rules, const Conversion& conversion) {
  const Node& node = conversion.node;
  const auto rule = node.domain.empty() ? rules.find(node.op_type) : rules.end();
  return rule == rules.end() ? std::nullopt : rule->second(conversion);
}

Reason move_ints(const Conversion& c, const char* attribute, std::size_t input) {
  const auto* ints = c.node.attributes.get<std::vector<std::int64_t>>(attribute);
  if (!ints) return std::nullopt;
  c.set(input, int64_tensor(*ints), attribute);
  c.drop_attributes({attribute});
  return std::nullopt;
}

}  // namespace edgeopt
