#include "ir/graph.h"

#include <fmt/format.h>

#include "support/error.h"

namespace edgeopt {
namespace {

// Before IR version 4 every initializer had to be listed as an input too, without being meant to be
// overridden.
constexpr std::int64_t first_ir_version_with_overridable_inputs = 4;

std::size_t index_of(ValueId id) { return static_cast<std::size_t>(id); }
std::size_t index_of(NodeId id) { return static_cast<std::size_t>(id); }

}  // namespace

bool Function::operator==(const Function& other) const {
  return name == other.name && domain == other.domain && opset_imports == other.opset_imports &&
         attribute_names == other.attribute_names && *body == *other.body &&
         unknown_fields == other.unknown_fields;
}

Graph::Graph() : header_(std::make_shared<ModelHeader>()) {}

int Graph::opset(std::string_view domain) const {
  for (const OpsetImport& import : header_->opset_imports)
    if (import.domain == domain) return static_cast<int>(import.version);
  return 0;
}

std::vector<ValueId> Graph::values() const {
  std::vector<ValueId> ids;
  for (const auto& value : values_)
    if (value) ids.push_back(value->id);
  return ids;
}

bool Graph::contains(NodeId id) const { return index_of(id) < nodes_.size() && nodes_[index_of(id)]; }
bool Graph::contains(ValueId id) const { return index_of(id) < values_.size() && values_[index_of(id)]; }

const Node& Graph::node(NodeId id) const {
  if (!contains(id)) throw InternalError(fmt::format("there is no node with id {}", static_cast<int>(id)));
  return *nodes_[index_of(id)];
}

const Value& Graph::value(ValueId id) const {
  if (!contains(id)) throw InternalError(fmt::format("there is no value with id {}", static_cast<int>(id)));
  return *values_[index_of(id)];
}

std::optional<Dims> Graph::static_dims_of(ValueId id) const {
  const ValueType& type = type_of(id);
  return type.shape ? static_dims(*type.shape) : std::nullopt;
}

const Node* Graph::producer(ValueId id) const {
  if (id == ValueId::none) return nullptr;
  const NodeId node_id = value(id).producer;
  return node_id == NodeId::none ? nullptr : &node(node_id);
}

const Node* Graph::producer(ValueId id, std::string_view op_type) const {
  const Node* found = producer(id);
  return found && found->is(op_type) ? found : nullptr;
}

std::span<const Use> Graph::uses(ValueId id) const {
  return contains(id) ? std::span<const Use>(uses_[index_of(id)]) : std::span<const Use>();
}

bool Graph::is_output(ValueId id) const {
  for (const ValueId output : outputs_)
    if (output == id) return true;
  return false;
}

bool Graph::has_single_use(ValueId id) const { return uses(id).size() == 1 && !is_output(id); }

const Node* Graph::single_user(ValueId id) const {
  return has_single_use(id) ? &node(uses(id)[0].node) : nullptr;
}

std::optional<Tensor> Graph::constant(ValueId id) const {
  if (id == ValueId::none) return std::nullopt;
  const Value& found = value(id);
  if (found.constant) {
    const bool is_overridable =
        found.is_input && header_->ir_version >= first_ir_version_with_overridable_inputs;
    return is_overridable ? std::nullopt : found.constant;
  }
  const Node* node = producer(id, "Constant");
  const Attribute* attribute = node ? node->attributes.find("value") : nullptr;
  const Tensor* tensor = attribute ? std::get_if<Tensor>(&attribute->data) : nullptr;
  return tensor ? std::optional(*tensor) : std::nullopt;
}

std::optional<ValueId> Graph::find_value(std::string_view name) const {
  for (const auto& value : values_)
    if (value && value->name == name) return value->id;
  return std::nullopt;
}

}  // namespace edgeopt
