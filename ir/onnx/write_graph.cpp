// Graph -> GraphProto. A captured value is written under the name that the outer value has now; a local value
// that would hide an outer name is renamed.
#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>

#include "ir/onnx/protos.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Kind = onnx::AttributeProto;

class GraphWriter {
 public:
  GraphWriter(const Graph& graph, DataFileLayout* layout, const GraphWriter* outer = nullptr,
              const Node* owner = nullptr)
      : graph_(graph), layout_(layout), outer_(outer) {
    for (const ValueId id : graph.captured()) set_name(id, outer_name(graph.name_of(id), owner));
    for (const ValueId id : graph.values())
      if (!graph.value(id).is_captured) set_name(id, free_name(graph.name_of(id)));
  }

  void write(onnx::GraphProto& proto) const {
    restore(proto, graph_.unknown_fields());
    drop_stale_types(proto);
    const std::unordered_set<ValueId> sparse = write_sparse_constants(proto);
    if (!graph_.name().empty()) proto.set_name(graph_.name());
    for (const ValueId id : graph_.inputs()) write_value(*proto.add_input(), id);
    for (const ValueId id : graph_.outputs()) write_value(*proto.add_output(), id);
    for (const ValueId id : graph_.values()) {
      const Value& value = graph_.value(id);
      if (value.constant && !sparse.contains(id)) write_constant(*proto.add_initializer(), value);
      const bool has_words = value.is_type_declared || !value.doc.empty() || !value.unknown_fields.empty();
      if (has_words && !value.is_input && !graph_.is_output(id)) write_value(*proto.add_value_info(), id);
    }
    for (const NodeId id : graph_.nodes()) write_node(*proto.add_node(), graph_.node(id));
  }

  void write_body(onnx::FunctionProto& proto) const {
    for (const ValueId id : graph_.inputs()) proto.add_input(name(id));
    for (const ValueId id : graph_.outputs()) proto.add_output(name(id));
    for (const ValueId id : graph_.values())
      if (graph_.value(id).constant) write_constant_node(*proto.add_node(), graph_.value(id));
    for (const NodeId id : graph_.nodes()) write_node(*proto.add_node(), graph_.node(id));
  }

 private:
  const std::string& name(ValueId id) const { return names_.at(id); }

  void set_name(ValueId id, std::string name) {
    written_.insert(name);
    names_.emplace(id, std::move(name));
  }

  std::string outer_name(const std::string& called, const Node* owner) const {
    if (owner)
      for (const Capture& capture : owner->captures)
        if (capture.name == called) return outer_->name(capture.value);
    throw InternalError(fmt::format("a subgraph reads '{}', which its node does not capture", called));
  }

  bool is_taken(const std::string& name) const {
    return written_.contains(name) || (outer_ && outer_->is_taken(name));
  }

  std::string free_name(const std::string& wish) const {
    if (!is_taken(wish)) return wish;
    int suffix = 1;
    const auto is_free = [&](const std::string& name) { return !is_taken(name) && !graph_.find_value(name); };
    while (!is_free(fmt::format("{}_{}", wish, suffix))) ++suffix;
    return fmt::format("{}_{}", wish, suffix);
  }

  // The file may describe values that it does not have; such a name may mean something else by now.
  void drop_stale_types(onnx::GraphProto& proto) const {
    auto& entries = *proto.mutable_value_info();
    for (int i = entries.size() - 1; i >= 0; --i)
      if (written_.contains(entries.Get(i).name())) entries.DeleteSubrange(i, 1);
  }

  // Fills what reading emptied; constants that are no longer there are forgotten.
  std::unordered_set<ValueId> write_sparse_constants(onnx::GraphProto& proto) const {
    std::unordered_set<ValueId> written;
    auto& entries = *proto.mutable_sparse_initializer();
    for (int i = entries.size() - 1; i >= 0; --i) {
      onnx::SparseTensorProto& entry = *entries.Mutable(i);
      if (entry.values().has_data_type()) continue;  // whole
      const std::optional<ValueId> id = graph_.find_value(entry.values().name());
      if (!id || !graph_.value(*id).constant) {
        entries.DeleteSubrange(i, 1);
        continue;
      }
      written.insert(*id);
      entry.mutable_values()->set_name(name(*id));
      write_sparse_tensor(entry, *graph_.value(*id).constant);
    }
    return written;
  }

  void write_value(onnx::ValueInfoProto& proto, ValueId id) const {
    const Value& value = graph_.value(id);
    restore(proto, value.unknown_fields);
    proto.set_name(name(id));
    // The inputs and outputs of a model must have a type; elsewhere an inferred type stays unwritten.
    const bool is_typed =
        value.type.dtype != DataType::undefined || value.type.shape || !value.type.is_tensor();
    if (value.is_type_declared || (!outer_ && is_typed)) write_type(*proto.mutable_type(), value.type);
    if (!value.doc.empty()) proto.set_doc_string(value.doc);
  }

  void write_constant(onnx::TensorProto& proto, const Value& value) const {
    restore(proto, value.constant_unknown_fields);
    proto.set_name(name(value.id));
    write_tensor(proto, *value.constant, layout_);
  }

  // A function has no initializers.
  void write_constant_node(onnx::NodeProto& proto, const Value& value) const {
    proto.set_op_type("Constant");
    proto.add_output(name(value.id));
    onnx::AttributeProto& attribute = *proto.add_attribute();
    attribute.set_name("value");
    attribute.set_type(Kind::TENSOR);
    write_tensor(*attribute.mutable_t(), *value.constant, layout_);
  }

  void write_node(onnx::NodeProto& proto, const Node& node) const {
    restore(proto, node.unknown_fields);
    proto.set_op_type(node.op_type);
    if (!node.domain.empty()) proto.set_domain(node.domain);
    if (!node.name.empty()) proto.set_name(node.name);
    if (!node.doc.empty()) proto.set_doc_string(node.doc);
    for (const ValueId id : node.inputs) proto.add_input(id == ValueId::none ? "" : name(id));
    for (const ValueId id : node.outputs) proto.add_output(id == ValueId::none ? "" : name(id));
    for (const auto& [key, attribute] : node.attributes) {
      onnx::AttributeProto& written = *proto.add_attribute();
      restore(written, attribute.unknown_fields);
      std::visit([&](const auto& value) { write_data(written, value, node); }, attribute.data);
      written.set_name(key);
    }
  }

  void write_data(onnx::AttributeProto& proto, std::int64_t value, const Node&) const {
    proto.set_type(Kind::INT);
    proto.set_i(value);
  }
  void write_data(onnx::AttributeProto& proto, float value, const Node&) const {
    proto.set_type(Kind::FLOAT);
    proto.set_f(value);
  }
  void write_data(onnx::AttributeProto& proto, const std::string& value, const Node&) const {
    proto.set_type(Kind::STRING);
    proto.set_s(value);
  }
  void write_data(onnx::AttributeProto& proto, const Tensor& value, const Node&) const {
    proto.set_type(Kind::TENSOR);
    write_tensor(*proto.mutable_t(), value, layout_);
  }
  void write_data(onnx::AttributeProto& proto, const GraphPtr& value, const Node& node) const {
    proto.set_type(Kind::GRAPH);
    GraphWriter(*value, layout_, this, &node).write(*proto.mutable_g());
  }
  void write_data(onnx::AttributeProto& proto, const std::vector<std::int64_t>& values, const Node&) const {
    proto.set_type(Kind::INTS);
    proto.mutable_ints()->Assign(values.begin(), values.end());
  }
  void write_data(onnx::AttributeProto& proto, const std::vector<float>& values, const Node&) const {
    proto.set_type(Kind::FLOATS);
    proto.mutable_floats()->Assign(values.begin(), values.end());
  }
  void write_data(onnx::AttributeProto& proto, const std::vector<std::string>& values, const Node&) const {
    proto.set_type(Kind::STRINGS);
    for (const std::string& value : values) proto.add_strings(value);
  }
  void write_data(onnx::AttributeProto& proto, const std::vector<Tensor>& values, const Node&) const {
    proto.set_type(Kind::TENSORS);
    // Names and comments belong to the tensors that they were read with.
    if (proto.tensors_size() != static_cast<int>(values.size())) proto.clear_tensors();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int at = static_cast<int>(i);
      write_tensor(at < proto.tensors_size() ? *proto.mutable_tensors(at) : *proto.add_tensors(), values[i],
                   layout_);
    }
  }
  void write_data(onnx::AttributeProto& proto, const std::vector<GraphPtr>& values, const Node& node) const {
    proto.set_type(Kind::GRAPHS);
    for (const GraphPtr& value : values) GraphWriter(*value, layout_, this, &node).write(*proto.add_graphs());
  }
  void write_data(onnx::AttributeProto& proto, const AttributeReference& value, const Node&) const {
    if (onnx::AttributeProto_AttributeType_IsValid(value.kind) && value.kind != Kind::UNDEFINED)
      proto.set_type(static_cast<Kind::AttributeType>(value.kind));
    proto.set_ref_attr_name(value.name);
  }
  void write_data(onnx::AttributeProto& proto, const OpaqueAttribute& value, const Node&) const {
    restore(proto, value.bytes);
  }

  const Graph& graph_;
  DataFileLayout* layout_;
  const GraphWriter* outer_;
  std::unordered_map<ValueId, std::string> names_;
  std::unordered_set<std::string> written_;
};

}  // namespace

void write_graph(onnx::GraphProto& proto, const Graph& graph, DataFileLayout* layout) {
  GraphWriter(graph, layout).write(proto);
}

void write_function_body(onnx::FunctionProto& proto, const Graph& body, DataFileLayout* layout) {
  GraphWriter(body, layout).write_body(proto);
}

}  // namespace edgeopt
