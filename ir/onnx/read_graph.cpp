// GraphProto -> Graph. Names become ids in two rounds: first everything that the graph defines, then what its
// nodes read, so that the order of the file does not matter. A name that is not defined here belongs to an
// enclosing graph.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "ir/edit.h"
#include "ir/onnx/protos.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Real models nest two or three deep; the limit keeps hostile files from exhausting the stack.
constexpr int deepest_subgraph = 64;

using Kind = onnx::AttributeProto;

std::string label(const onnx::NodeProto& node) {
  const std::string output = node.output_size() > 0 ? node.output(0) : "";
  return fmt::format("node '{}' ({})", node.name().empty() ? output : node.name(), node.op_type());
}

class GraphReader {
 public:
  GraphReader(const ModelHeader& header, DataFolder& folder, GraphReader* outer = nullptr)
      : folder_(folder), outer_(outer), depth_(outer ? outer->depth_ + 1 : 0), edit_(Graph()) {
    if (depth_ > deepest_subgraph)
      throw UserError(fmt::format("subgraphs are nested more than {} deep", deepest_subgraph));
    edit_.set_header(header);
  }

  Graph read(onnx::GraphProto& proto) {
    edit_.set_graph_name(proto.name(), "");
    for (auto& tensor : *proto.mutable_initializer()) define_constant(tensor);
    for (auto& sparse : *proto.mutable_sparse_initializer()) define_sparse(sparse);
    for (auto& input : *proto.mutable_input()) define_input(input);
    define_outputs_of(proto.node());
    for (auto& output : *proto.mutable_output()) add_output(output.name(), &output);
    describe_values(*proto.mutable_value_info());
    connect(*proto.mutable_node());
    describe_values(*proto.mutable_value_info());  // what the nodes capture
    const std::string name = proto.name();
    proto.clear_name();
    proto.clear_initializer();
    proto.clear_input();
    proto.clear_output();
    proto.clear_node();
    edit_.set_graph_name(name, rest_of(proto));
    return edit_.apply();
  }

  Graph read_body(onnx::FunctionProto& proto) {
    edit_.set_graph_name(proto.name(), "");
    for (const std::string& input : proto.input()) define(input, "input") = edit_.add_input(input, {});
    define_outputs_of(proto.node());
    for (const std::string& output : proto.output()) add_output(output, nullptr);
    connect(*proto.mutable_node());
    proto.clear_input();
    proto.clear_output();
    proto.clear_node();
    return edit_.apply();
  }

  const std::vector<Capture>& captures() const { return captures_; }

 private:
  ValueId& define(const std::string& name, std::string_view what) {
    if (name.empty()) throw UserError(fmt::format("an {} has no name", what));
    const auto [place, is_new] = ids_.emplace(name, ValueId::none);
    if (!is_new) throw UserError(fmt::format("the {} '{}' has the name of another value", what, name));
    return place->second;
  }

  void define_constant(onnx::TensorProto& proto) {
    const std::string name = proto.name();
    ValueId& id = define(name, "initializer");
    proto.clear_name();
    Tensor tensor =
        while_doing(fmt::format("initializer '{}'", name), [&] { return take_tensor(proto, folder_); });
    id = edit_.add_constant(std::move(tensor), name);
    edit_.describe(id, [&](Value& value) { value.constant_unknown_fields = rest_of(proto); });
  }

  // Its message stays among the graph's unknown fields: emptied, or whole if it is of a form that is not
  // read; then it is a value that nobody computes.
  void define_sparse(onnx::SparseTensorProto& proto) {
    const std::string name = proto.values().name();
    ValueId& id = define(name, "initializer");
    std::optional<Tensor> dense = while_doing(fmt::format("sparse initializer '{}'", name),
                                              [&] { return take_sparse_tensor(proto, folder_); });
    if (dense) {
      id = edit_.add_constant(std::move(*dense), name);
      return;
    }
    id = edit_.add_constant(Tensor(), proto.values().name());
    edit_.describe(id, [&](Value& value) {
      value.constant.reset();
      value.type.dtype = static_cast<DataType>(proto.values().data_type());
      value.type.shape = to_shape(Dims(proto.dims().begin(), proto.dims().end()));
    });
  }

  void define_input(onnx::ValueInfoProto& proto) {
    const auto known = ids_.find(proto.name());
    const bool is_constant = known != ids_.end() && !edit_.draft().value(known->second).is_input;
    ValueId id = ValueId::none;
    if (is_constant)
      edit_.add_input(id = known->second);
    else
      define(proto.name(), "input") = id = edit_.add_input(proto.name(), {});
    describe(id, proto);
  }

  void define_outputs_of(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes) {
    for (const onnx::NodeProto& node : nodes) {
      NodeSpec spec{.op_type = node.op_type(), .inputs = {}, .output_count = node.output_size()};
      spec.domain = read_domain(node.domain());
      spec.name = node.name();
      for (int i = 0; i < node.output_size(); ++i) {
        spec.output_names.push_back(node.output(i));
        if (node.output(i).empty()) spec.left_out_outputs.push_back(static_cast<std::size_t>(i));
      }
      std::vector<ValueId*> places;
      for (const std::string& name : node.output())
        places.push_back(name.empty() ? nullptr : &define(name, "output of " + label(node)));
      const std::vector<ValueId> outputs = edit_.add_node(std::move(spec));
      for (std::size_t i = 0; i < outputs.size(); ++i)
        if (places[i]) *places[i] = outputs[i];
      nodes_.push_back(edit_.draft().nodes().back());
    }
  }

  void add_output(const std::string& name, onnx::ValueInfoProto* proto) {
    const ValueId id = find(name);
    if (id == ValueId::none)
      throw UserError(
          fmt::format("the output '{}' is computed by no node; the file is incomplete or damaged", name));
    edit_.add_output(id);
    if (proto && !edit_.draft().value(id).is_type_declared) describe(id, *proto);
  }

  void describe(ValueId id, onnx::ValueInfoProto& proto) {
    edit_.describe(id, [&](Value& value) {
      value.is_type_declared = proto.has_type();
      if (proto.has_type()) value.type = take_type(*proto.mutable_type());
      value.doc = proto.doc_string();
      proto.clear_name();
      proto.clear_type();
      proto.clear_doc_string();
      value.unknown_fields = rest_of(proto);
    });
  }

  // Entries about values that do not exist stay where they are.
  void describe_values(google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& entries) {
    google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> left;
    for (onnx::ValueInfoProto& entry : entries) {
      const auto known = ids_.find(entry.name());
      if (known == ids_.end() || edit_.draft().value(known->second).is_type_declared)
        left.Add(std::move(entry));
      else
        describe(known->second, entry);
    }
    entries.Swap(&left);
  }

  void connect(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes) {
    for (int i = 0; i < nodes.size(); ++i) {
      onnx::NodeProto& proto = *nodes.Mutable(i);
      while_doing(label(proto), [&] { connect(nodes_[static_cast<std::size_t>(i)], proto); });
    }
  }

  void connect(NodeId id, onnx::NodeProto& proto) {
    std::vector<ValueId> inputs;
    for (const std::string& name : proto.input()) {
      inputs.push_back(name.empty() ? ValueId::none : find(name));
      if (!name.empty() && inputs.back() == ValueId::none)
        throw UserError(
            fmt::format("input {} is '{}', which no input, initializer or node defines; the file is "
                        "incomplete or damaged",
                        inputs.size() - 1, name));
    }
    std::vector<Capture> captures;
    Attributes attributes = take_attributes(proto, captures);
    edit_.describe(id, [&](Node& node) {
      node.inputs = std::move(inputs);
      node.attributes = std::move(attributes);
      node.captures = std::move(captures);
      node.doc = proto.doc_string();
      for (const auto clear : {&onnx::NodeProto::clear_op_type, &onnx::NodeProto::clear_domain,
                               &onnx::NodeProto::clear_name, &onnx::NodeProto::clear_doc_string})
        (proto.*clear)();
      proto.clear_input();
      proto.clear_output();
      proto.clear_attribute();
      node.unknown_fields = rest_of(proto);
    });
  }

  Attributes take_attributes(onnx::NodeProto& proto, std::vector<Capture>& captures) {
    Attributes attributes;
    for (auto& attribute : *proto.mutable_attribute()) {
      const std::string name = attribute.name();
      if (attributes.find(name)) throw UserError(fmt::format("attribute '{}' is given twice", name));
      attributes.set(name, while_doing(fmt::format("attribute '{}'", name),
                                       [&] { return take_attribute(attribute, captures); }));
    }
    return attributes;
  }

  Attribute take_attribute(onnx::AttributeProto& proto, std::vector<Capture>& captures) {
    proto.clear_name();
    if (!proto.has_type()) guess_kind(proto);
    Attribute attribute;
    attribute.data = take_data(proto, captures);
    if (!std::holds_alternative<OpaqueAttribute>(attribute.data)) {
      proto.clear_type();
      attribute.unknown_fields = rest_of(proto);
    }
    return attribute;
  }

  // Before IR version 2 attributes did not say their kind.
  static void guess_kind(onnx::AttributeProto& proto) {
    if (proto.unknown_fields().field_count() > 0) return;  // a kind that this library does not know
    if (proto.has_f()) proto.set_type(Kind::FLOAT);
    if (proto.has_i()) proto.set_type(Kind::INT);
    if (proto.has_s()) proto.set_type(Kind::STRING);
    if (proto.has_t()) proto.set_type(Kind::TENSOR);
    if (proto.has_g()) proto.set_type(Kind::GRAPH);
    if (proto.floats_size() > 0) proto.set_type(Kind::FLOATS);
    if (proto.ints_size() > 0) proto.set_type(Kind::INTS);
    if (proto.strings_size() > 0) proto.set_type(Kind::STRINGS);
    if (proto.tensors_size() > 0) proto.set_type(Kind::TENSORS);
    if (proto.graphs_size() > 0) proto.set_type(Kind::GRAPHS);
  }

  Attribute::Data take_data(onnx::AttributeProto& proto, std::vector<Capture>& captures) {
    if (!proto.ref_attr_name().empty()) {
      AttributeReference reference{proto.ref_attr_name(), proto.type()};
      proto.clear_ref_attr_name();
      return reference;
    }
    switch (proto.type()) {
      case Kind::FLOAT:
        return taken(proto.f(), [&] { proto.clear_f(); });
      case Kind::INT:
        return taken(std::int64_t{proto.i()}, [&] { proto.clear_i(); });
      case Kind::STRING:
        return taken(proto.s(), [&] { proto.clear_s(); });
      case Kind::TENSOR:
        return taken(take_tensor(*proto.mutable_t(), folder_), [&] {
          if (proto.t().name().empty()) proto.mutable_t()->clear_name();
          if (proto.t().ByteSizeLong() == 0) proto.clear_t();
        });
      case Kind::GRAPH:
        return taken(take_subgraph(*proto.mutable_g(), captures), [&] { proto.clear_g(); });
      default:
        return take_list(proto, captures);
    }
  }

  Attribute::Data take_list(onnx::AttributeProto& proto, std::vector<Capture>& captures) {
    switch (proto.type()) {
      case Kind::FLOATS:
        return taken(std::vector<float>(proto.floats().begin(), proto.floats().end()),
                     [&] { proto.clear_floats(); });
      case Kind::INTS:
        return taken(std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end()),
                     [&] { proto.clear_ints(); });
      case Kind::STRINGS:
        return taken(std::vector<std::string>(proto.strings().begin(), proto.strings().end()),
                     [&] { proto.clear_strings(); });
      case Kind::TENSORS: {
        std::vector<Tensor> tensors;
        for (auto& each : *proto.mutable_tensors()) tensors.push_back(take_tensor(each, folder_));
        const auto is_taken = [](const onnx::TensorProto& each) { return each.ByteSizeLong() == 0; };
        if (std::ranges::all_of(proto.tensors(), is_taken)) proto.clear_tensors();
        return tensors;
      }
      case Kind::GRAPHS: {
        std::vector<GraphPtr> graphs;
        for (auto& each : *proto.mutable_graphs()) graphs.push_back(take_subgraph(each, captures));
        return taken(std::move(graphs), [&] { proto.clear_graphs(); });
      }
      default:
        return OpaqueAttribute{rest_of(proto)};
    }
  }

  template <typename T, typename Clear>
  static Attribute::Data taken(T value, Clear clear) {
    clear();
    return value;
  }

  GraphPtr take_subgraph(onnx::GraphProto& proto, std::vector<Capture>& captures) {
    GraphReader reader(edit_.draft().header(), folder_, this);
    auto graph = std::make_shared<const Graph>(reader.read(proto));
    for (const Capture& capture : reader.captures()) {
      const auto is_same = [&](const Capture& each) { return each.name == capture.name; };
      if (std::ranges::none_of(captures, is_same)) captures.push_back(capture);
    }
    return graph;
  }

  // A value of this graph, or one that it captures from outside; none if there is no such name.
  ValueId find(const std::string& name) {
    if (const auto known = ids_.find(name); known != ids_.end()) return known->second;
    const ValueId outside = outer_ ? outer_->find(name) : ValueId::none;
    if (outside == ValueId::none) return ValueId::none;
    captures_.push_back({name, outside});
    const ValueId id = edit_.add_captured(name, outer_->edit_.draft().type_of(outside));
    ids_.emplace(name, id);
    return id;
  }

  DataFolder& folder_;
  GraphReader* outer_;
  int depth_;
  Edit edit_;
  std::unordered_map<std::string, ValueId> ids_;
  std::vector<NodeId> nodes_;
  std::vector<Capture> captures_;
};

}  // namespace

Graph take_graph(onnx::GraphProto& proto, const ModelHeader& header, DataFolder& folder) {
  return GraphReader(header, folder).read(proto);
}

Graph take_function_body(onnx::FunctionProto& proto, const ModelHeader& header, DataFolder& folder) {
  return GraphReader(header, folder).read_body(proto);
}

}  // namespace edgeopt
