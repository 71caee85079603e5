#include "ir/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "ir/infer.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::size_t index_of(ValueId id) { return static_cast<std::size_t>(id); }
std::size_t index_of(NodeId id) { return static_cast<std::size_t>(id); }

// A new name must not hide, nor be hidden by, a name inside a subgraph.
void collect_names(const Graph& graph, std::unordered_set<std::string>& names) {
  for (const ValueId id : graph.values()) names.insert(graph.name_of(id));
  for (const NodeId id : graph.nodes())
    for (const auto& [key, attribute] : graph.node(id).attributes) {
      if (const auto* subgraph = std::get_if<GraphPtr>(&attribute.data)) collect_names(**subgraph, names);
      if (const auto* subgraphs = std::get_if<std::vector<GraphPtr>>(&attribute.data))
        for (const GraphPtr& each : *subgraphs) collect_names(*each, names);
    }
}

}  // namespace

Edit::Edit(const Graph& graph) : draft_(graph), old_node_count_(graph.nodes_.size()) {
  collect_names(draft_, names_);
}

Node& Edit::writable(NodeId id) {
  auto copy = std::make_shared<Node>(draft_.node(id));
  Node& node = *copy;
  draft_.nodes_[index_of(id)] = std::move(copy);
  return node;
}

Value& Edit::writable(ValueId id) {
  auto copy = std::make_shared<Value>(draft_.value(id));
  Value& value = *copy;
  draft_.values_[index_of(id)] = std::move(copy);
  return value;
}

std::string Edit::unique_name(const std::string& hint) {
  std::string name = hint;
  while (!names_.insert(name).second) name = fmt::format("{}_{}", hint, ++next_suffix_[hint]);
  return name;
}

ValueId Edit::add_value(Value value) {
  value.id = static_cast<ValueId>(draft_.values_.size());
  value.name = unique_name(value.name);
  const ValueId id = value.id;
  draft_.values_.push_back(std::make_shared<Value>(std::move(value)));
  draft_.uses_.emplace_back();
  return id;
}

ValueId Edit::add_input(std::string name, ValueType type) {
  const ValueId id = add_value(
      {.name = std::move(name), .type = std::move(type), .is_type_declared = true, .is_input = true});
  draft_.inputs_.push_back(id);
  return id;
}

void Edit::add_input(ValueId constant) {
  writable(constant).is_input = true;
  draft_.inputs_.push_back(constant);
}

ValueId Edit::add_constant(Tensor tensor, std::string name_hint) {
  ValueType type{.dtype = tensor.dtype(), .shape = to_shape(tensor.dims())};
  return add_value({.name = std::move(name_hint), .type = std::move(type), .constant = std::move(tensor)});
}

ValueId Edit::add_captured(std::string name, ValueType type) {
  const ValueId id = add_value({.name = std::move(name), .type = std::move(type), .is_captured = true});
  draft_.captured_.push_back(id);
  return id;
}

ValueId Edit::add_node(std::string op_type, std::vector<ValueId> inputs, Attributes attributes) {
  return add_node(NodeSpec{
      .op_type = std::move(op_type), .inputs = std::move(inputs), .attributes = std::move(attributes)})[0];
}

std::vector<ValueId> Edit::add_node(NodeSpec spec) {
  auto node = std::make_shared<Node>();
  node->id = static_cast<NodeId>(draft_.nodes_.size());
  for (int i = 0; i < spec.output_count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (std::ranges::count(spec.left_out_outputs, at) > 0) {
      node->outputs.push_back(ValueId::none);
      continue;
    }
    const bool is_named = at < spec.output_names.size() && !spec.output_names[at].empty();
    std::string hint = is_named ? spec.output_names[at] : fmt::format("{}_output", spec.op_type);
    node->outputs.push_back(add_value({.name = std::move(hint), .producer = node->id, .output_index = i}));
  }
  node->op_type = std::move(spec.op_type);
  node->domain = std::move(spec.domain);
  node->name = std::move(spec.name);
  node->inputs = std::move(spec.inputs);
  node->attributes = std::move(spec.attributes);
  node->captures = std::move(spec.captures);
  draft_.order_.push_back(node->id);
  draft_.nodes_.push_back(node);
  return node->outputs;
}

void Edit::abandon(ValueId value) {
  if (value != ValueId::none) abandoned_.push_back(value);
}

void Edit::replace(ValueId old_value, ValueId new_value) {
  if (old_value == new_value) return;
  for (std::size_t i = 0; i < old_node_count_; ++i) {
    if (!draft_.nodes_[i]) continue;
    const Node& node = *draft_.nodes_[i];
    const bool reads = std::ranges::count(node.inputs, old_value) > 0 ||
                       std::ranges::count(node.captures, old_value, &Capture::value) > 0;
    if (!reads) continue;
    Node& changed = writable(node.id);
    std::ranges::replace(changed.inputs, old_value, new_value);
    for (Capture& capture : changed.captures)
      if (capture.value == old_value) capture.value = new_value;
  }
  const Value& from = draft_.value(old_value);
  const Value& to = draft_.value(new_value);
  if (from.range && !to.range && !to.constant) set_range(new_value, from.range);
  if (draft_.is_output(old_value)) replace_output(old_value, new_value);
  abandon(old_value);
}

void Edit::replace_output(ValueId old_value, ValueId new_value) {
  const Value taken = draft_.value(new_value);
  if (taken.producer == NodeId::none || draft_.is_output(new_value))
    new_value = add_node("Identity", {new_value});
  Value& old_output = writable(old_value);
  const std::string name = old_output.name;
  old_output.name = unique_name(name + "_inner");
  Value& output = writable(new_value);
  names_.erase(output.name);
  output.name = name;
  output.type = old_output.type;
  output.is_type_declared = old_output.is_type_declared;
  output.doc = old_output.doc;
  output.unknown_fields = old_output.unknown_fields;
  std::ranges::replace(draft_.outputs_, old_value, new_value);
}

void Edit::set_input(NodeId id, std::size_t index, ValueId value) {
  Node& node = writable(id);
  if (node.inputs.size() <= index) node.inputs.resize(index + 1, ValueId::none);
  abandon(std::exchange(node.inputs[index], value));
}

void Edit::set_attributes(NodeId node, Attributes attributes) {
  writable(node).attributes = std::move(attributes);
}

void Edit::set_captures(NodeId id, std::vector<Capture> captures) {
  Node& node = writable(id);
  for (const Capture& capture : node.captures) abandon(capture.value);
  node.captures = std::move(captures);
}

void Edit::set_constant(ValueId id, Tensor tensor) {
  Value& value = writable(id);
  value.type.dtype = tensor.dtype();
  value.type.shape = to_shape(tensor.dims());
  if (const Node* node = draft_.producer(id, "Constant")) {
    Attributes attributes = node->attributes;
    Attribute changed = *attributes.find("value");
    changed.data = std::move(tensor);
    attributes.set("value", std::move(changed));
    set_attributes(node->id, std::move(attributes));
  } else {
    value.constant = std::move(tensor);
  }
}

void Edit::set_type(ValueId id, ValueType type, bool is_declared) {
  Value& value = writable(id);
  value.type = std::move(type);
  value.is_type_declared = is_declared;
}

void Edit::set_range(ValueId value, std::optional<Range> range) { writable(value).range = range; }

void Edit::set_quantization(ValueId value, std::optional<ValueQuantization> quantization) {
  writable(value).quantization = std::move(quantization);
}

void Edit::rename(ValueId id, std::string name) {
  if (draft_.value(id).name == name) return;
  if (!names_.insert(name).second) throw InternalError(fmt::format("two values would be named '{}'", name));
  Value& value = writable(id);
  names_.erase(value.name);
  value.name = std::move(name);
}

void Edit::remove(NodeId id) {
  const Node& node = draft_.node(id);
  for (const ValueId input : node.inputs) abandon(input);
  for (const Capture& capture : node.captures) abandon(capture.value);
  for (const ValueId output : node.outputs)
    if (output != ValueId::none) draft_.values_[index_of(output)] = nullptr;
  draft_.nodes_[index_of(id)] = nullptr;
}

void Edit::remove(ValueId constant) { draft_.values_[index_of(constant)] = nullptr; }

void Edit::remove_input(ValueId id) {
  std::erase(draft_.inputs_, id);
  Value& value = writable(id);
  value.is_input = false;
  if (!value.constant) draft_.values_[index_of(id)] = nullptr;
}

void Edit::remove_captured(ValueId id) {
  std::erase(draft_.captured_, id);
  draft_.values_[index_of(id)] = nullptr;
}

void Edit::add_output(ValueId value) { draft_.outputs_.push_back(value); }

void Edit::remove_output(std::size_t index) {
  abandon(draft_.outputs_.at(index));
  draft_.outputs_.erase(draft_.outputs_.begin() + static_cast<std::ptrdiff_t>(index));
}

void Edit::set_header(ModelHeader header) {
  draft_.header_ = std::make_shared<ModelHeader>(std::move(header));
}

void Edit::set_opset(std::string domain, std::int64_t version) {
  ModelHeader header = *draft_.header_;
  const auto found = std::ranges::find(header.opset_imports, domain, &OpsetImport::domain);
  if (found == header.opset_imports.end())
    header.opset_imports.push_back({.domain = std::move(domain), .version = version});
  else
    found->version = version;
  set_header(std::move(header));
}

void Edit::set_graph_name(std::string name, std::string unknown_fields) {
  draft_.name_ = std::move(name);
  draft_.unknown_fields_ = std::move(unknown_fields);
}

}  // namespace edgeopt
