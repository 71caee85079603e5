// A planned change of a graph. apply() is all or nothing: it returns a new, sorted, typed and checked graph,
// or throws and the old graph is as it was.
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// A node to be added. Its outputs are new values.
struct NodeSpec {
  std::string op_type;
  std::vector<ValueId> inputs;
  Attributes attributes = {};
  int output_count = 1;
  std::string domain = {};
  std::string name = {};                           // a hint; made unique
  std::vector<std::string> output_names = {};      // hints; made unique; "" = derived from the operator
  std::vector<Capture> captures = {};              // outer values that the subgraphs in `attributes` read
  std::vector<std::size_t> left_out_outputs = {};  // indices whose output becomes ValueId::none
};

class Edit {
 public:
  explicit Edit(const Graph& graph);

  // New things. The ids are valid in the graph that apply() returns. Name hints are made unique by a suffix.
  ValueId add_input(std::string name, ValueType type);
  /// Lists an existing constant among the inputs too.
  void add_input(ValueId constant);
  ValueId add_constant(Tensor tensor, std::string name_hint = "constant");
  /// A value of the enclosing graph that this subgraph reads by name.
  ValueId add_captured(std::string name, ValueType type = {});
  ValueId add_node(std::string op_type, std::vector<ValueId> inputs, Attributes attributes = {});
  std::vector<ValueId> add_node(NodeSpec spec);

  // Changes.
  /// Every use of `old_value` by the graph as it was reads `new_value` instead, with the old range if it has
  /// none; nodes that this edit adds keep theirs. As an output of the graph `new_value` takes place, name and
  /// type; where it cannot (it is an input, a constant or another output), an Identity stands between.
  void replace(ValueId old_value, ValueId new_value);
  void set_input(NodeId node, std::size_t index, ValueId value);
  void set_attributes(NodeId node, Attributes attributes);
  /// What the node's subgraphs read from outside; must hold every captured name that they still have.
  void set_captures(NodeId node, std::vector<Capture> captures);
  /// Of an initializer, or of the result of a Constant node with a tensor.
  void set_constant(ValueId value, Tensor tensor);
  void set_type(ValueId value, ValueType type, bool is_declared);
  void set_range(ValueId value, std::optional<Range> range);
  void set_quantization(ValueId value, std::optional<ValueQuantization> quantization);
  /// throws  InternalError if another value has this name
  void rename(ValueId value, std::string name);
  /// Its outputs must have no uses left after the edit.
  void remove(NodeId node);
  /// An unused constant.
  void remove(ValueId constant);
  /// Takes the value from the graph's inputs; a constant stays as a constant.
  void remove_input(ValueId value);
  /// An unused captured value of this subgraph.
  void remove_captured(ValueId value);
  void add_output(ValueId value);
  void remove_output(std::size_t index);

  // What files say beyond the wiring.
  void set_header(ModelHeader header);
  void set_opset(std::string domain, std::int64_t version);
  void set_graph_name(std::string name, std::string unknown_fields);
  /// Calls `change` on the value or node to set its doc, unknown fields and the like; the wiring must stay as
  /// it is.
  template <typename Change>
  void describe(ValueId value, Change&& change) {
    change(writable(value));
  }
  template <typename Change>
  void describe(NodeId node, Change&& change) {
    change(writable(node));
  }

  /// The graph as edited so far: new ids can be looked up in it, but it is neither sorted nor checked.
  const Graph& draft() const { return draft_; }

  /// The changed graph. Nodes and constants that lost their last use through replace, set_input or remove go
  /// with it; new nodes stand just before their first user; types of what was added are inferred. throws
  /// InternalError if the result breaks a rule of Graph (a cycle, a use of a removed value)
  Graph apply() const;

 private:
  Node& writable(NodeId node);
  Value& writable(ValueId value);
  ValueId add_value(Value value);
  std::string unique_name(const std::string& hint);
  void replace_output(ValueId old_value, ValueId new_value);
  void abandon(ValueId value);

  Graph draft_;
  std::size_t old_node_count_;
  std::unordered_map<std::string, int> next_suffix_;
  std::unordered_set<std::string> names_;
  std::vector<ValueId> abandoned_;  // values that lost a use
};

}  // namespace edgeopt
