// What a model is: values (edges) and nodes in static single assignment. A Graph is a value type: copyable,
// comparable; only an Edit (ir/edit.h) changes it.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attributes.h"
#include "ir/shape.h"
#include "ir/tensor.h"

namespace edgeopt {

/// Ids stay valid across edits for what the edit leaves alone, and are never used again for something else.
enum class ValueId : std::int32_t { none = -1 };
enum class NodeId : std::int32_t { none = -1 };

/// The type of a value. `shape` is absent when even the rank is unknown.
struct ValueType {
  DataType dtype = DataType::undefined;
  std::optional<Shape> shape;
  std::string
      opaque;  // serialized TypeProto of a sequence, map, optional or sparse tensor; empty for tensors
  std::string unknown_fields;  // denotations and what later ONNX versions add

  bool is_tensor() const { return opaque.empty(); }
  bool operator==(const ValueType&) const = default;
};

/// The observed or declared range of a value's elements; written by calibration, read by quantization.
struct Range {
  double min = 0;
  double max = 0;
  bool operator==(const Range&) const = default;
};

/// How a value's elements become integers, decided ahead of the quantizing passes (by a scheme, calibration
/// or training): real = scale * (integer - zero point). What is absent here they decide from range and
/// profile.
struct ValueQuantization {
  DataType type = DataType::undefined;         // of the stored integers
  int bits = 8;                                // the integers lie in the range of so many bits
  bool is_symmetric = true;                    // zero point in the middle of the integers
  int axis = -1;                               // one scale per index of this axis; -1: one for all
  std::int64_t block_size = 0;                 // one scale per so many neighbours along `axis`; 0: no blocks
  std::vector<float> scales = {};              // empty: from the range, or from the elements of a constant
  std::vector<std::int32_t> zero_points = {};  // as many as scales, or empty: the neutral one
  bool operator==(const ValueQuantization&) const = default;
};

/// One edge of the graph: a graph input, a constant (initializer), a node's output, or an outer value that a
/// subgraph reads ("captured").
struct Value {
  ValueId id = ValueId::none;
  std::string name;
  ValueType type;
  bool is_type_declared = false;  // the file states the type (value_info); inferred types are not written
  std::optional<Tensor> constant;
  bool is_input = false;     // also true for a constant that ONNX lists among the inputs
  bool is_captured = false;  // belongs to an enclosing graph: see Capture of the node that owns this subgraph
  NodeId producer = NodeId::none;
  int output_index = 0;  // which output of the producer
  std::optional<Range> range;
  std::optional<ValueQuantization> quantization;
  std::string doc;
  std::string unknown_fields;           // of the ValueInfoProto
  std::string constant_unknown_fields;  // of the TensorProto (its doc_string included)

  bool operator==(const Value&) const = default;
};

/// An outer value that subgraphs of a node read: `name` is what they call it, `value` what it is in the
/// node's own graph.
struct Capture {
  std::string name;
  ValueId value = ValueId::none;
  bool operator==(const Capture&) const = default;
};

struct Node {
  NodeId id = NodeId::none;
  std::string op_type;
  std::string domain;  // "" is ONNX's own; "ai.onnx" is read as ""
  std::string name;
  std::string doc;
  std::vector<ValueId> inputs;   // ValueId::none where an optional input is left out
  std::vector<ValueId> outputs;  // ValueId::none where an optional output is left out
  Attributes attributes;
  std::vector<Capture> captures;  // outer values that subgraphs in the attributes read, each once
  std::string unknown_fields;

  /// ONNX's own operator of this name.
  bool is(std::string_view op) const { return op_type == op && domain.empty(); }
  bool has_input(std::size_t index) const { return index < inputs.size() && inputs[index] != ValueId::none; }
  bool has_output(std::size_t index) const {
    return index < outputs.size() && outputs[index] != ValueId::none;
  }
  /// The input, or ValueId::none if it is left out.
  ValueId input(std::size_t index) const { return index < inputs.size() ? inputs[index] : ValueId::none; }
  bool operator==(const Node&) const = default;
};

struct OpsetImport {
  std::string domain;
  std::int64_t version = 0;
  std::string unknown_fields;
  bool operator==(const OpsetImport&) const = default;
};

/// A function that the model defines for itself (ONNX FunctionProto). Its body has untyped inputs.
struct Function {
  std::string name;
  std::string domain;
  std::vector<OpsetImport> opset_imports;
  std::vector<std::string> attribute_names;
  GraphPtr body;
  std::string unknown_fields;
  bool operator==(const Function& other) const;
};

/// What a model carries beside its graph. Subgraphs leave it empty.
struct ModelHeader {
  std::int64_t ir_version = 0;
  std::vector<OpsetImport> opset_imports;
  std::vector<Function> functions;
  std::string unknown_fields;  // of the ModelProto: producer, metadata_props, training info, ... as they were
  bool operator==(const ModelHeader&) const = default;
};

/// One place that reads a value.
struct Use {
  NodeId node = NodeId::none;
  int input_index = -1;  // -1: a subgraph of the node captures it
  bool operator==(const Use&) const = default;
};

class Graph {
 public:
  Graph();

  const std::string& name() const { return name_; }
  const ModelHeader& header() const { return *header_; }
  const std::string& unknown_fields() const { return unknown_fields_; }  // of the GraphProto
  /// The opset version that the model imports for a domain; 0 if it does not. A subgraph knows its model's
  /// opsets.
  int opset(std::string_view domain = "") const;

  std::span<const ValueId> inputs() const { return inputs_; }
  std::span<const ValueId> outputs() const { return outputs_; }
  /// Outer values that this subgraph reads; the owning node's captures map their names to values of its
  /// graph.
  std::span<const ValueId> captured() const { return captured_; }
  /// Nodes in topological order.
  std::span<const NodeId> nodes() const { return order_; }
  /// All values in the order of their ids (inputs, constants, outputs of nodes, captured).
  std::vector<ValueId> values() const;

  bool contains(NodeId id) const;
  bool contains(ValueId id) const;
  const Node& node(NodeId id) const;
  const Value& value(ValueId id) const;
  const std::string& name_of(ValueId id) const { return value(id).name; }
  const ValueType& type_of(ValueId id) const { return value(id).type; }
  /// The dims if all of them are numbers.
  std::optional<Dims> static_dims_of(ValueId id) const;

  /// The node that computes the value; null for inputs, constants, captured values and ValueId::none.
  const Node* producer(ValueId id) const;
  /// The same if it is ONNX's operator `op_type`, else null.
  const Node* producer(ValueId id, std::string_view op_type) const;
  std::span<const Use> uses(ValueId id) const;
  bool is_output(ValueId id) const;
  /// Read at exactly one place, and not an output of the graph.
  bool has_single_use(ValueId id) const;
  /// The only node that reads the value, if has_single_use; else null.
  const Node* single_user(ValueId id) const;

  /// The tensor of a constant that nobody can override: an initializer that is not an input (since IR version
  /// 4), or the result of a Constant node with a tensor. Nothing otherwise.
  std::optional<Tensor> constant(ValueId id) const;
  std::optional<ValueId> find_value(std::string_view name) const;

  /// Equal in everything that a file holds, names and order of nodes included (ids do not count).
  bool operator==(const Graph& other) const;

 private:
  friend class Edit;

  std::string name_;
  std::shared_ptr<const ModelHeader> header_;
  std::string unknown_fields_;
  std::vector<ValueId> inputs_;
  std::vector<ValueId> outputs_;
  std::vector<ValueId> captured_;
  std::vector<NodeId> order_;
  std::vector<std::shared_ptr<const Node>> nodes_;    // by NodeId, null once removed
  std::vector<std::shared_ptr<const Value>> values_;  // by ValueId, null once removed
  std::vector<std::vector<Use>> uses_;                // by ValueId
};

/// Why two graphs are not the same computation, in one sentence; nothing if they are. Names of inner values
/// and nodes, and the order of independent nodes, do not count; names of inputs and outputs, types,
/// attributes and constants do.
std::optional<std::string> structural_difference(const Graph& a, const Graph& b);

/// The graph in ONNX's text syntax (constants above `longest_constant` elements shortened).
std::string to_text(const Graph& graph, std::int64_t longest_constant = 16);

/// Checks every rule that a Graph promises: ids, single assignment, sortedness, uses, unique names.
/// throws  InternalError naming the rule and the place
void verify(const Graph& graph);

}  // namespace edgeopt
