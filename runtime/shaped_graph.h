// A graph together with what the dims of one run's inputs say about it: the form of every value, and which
// values are constant.
#pragma once
#include <optional>
#include <vector>

#include "ir/graph.h"
#include "ir/op.h"
#include "runtime/tensor_form.h"

namespace edgeopt {

class ShapedGraph {
 public:
  /// input_dims  of required_inputs(graph)
  /// throws      UserError if an operator contradicts its inputs
  ShapedGraph(const Graph& graph, const std::vector<Dims>& input_dims);

  const Graph& graph() const { return graph_; }
  /// Type and dims, in plain layout; nothing if they are only known at run time.
  std::optional<TensorForm> form(ValueId id) const;
  /// The value does not depend on the inputs' elements.
  bool is_constant(ValueId id) const { return id != ValueId::none && facts(id).is_constant; }
  /// The constant value, computed now if it has not been; nothing if it depends on the inputs' elements.
  std::optional<Tensor> constant(ValueId id) const;

 private:
  struct Facts {
    Operand operand;  // type, constant, elements
    bool is_constant = false;
  };
  const Facts& facts(ValueId id) const { return facts_[static_cast<std::size_t>(id)]; }
  Facts& facts(ValueId id) { return facts_[static_cast<std::size_t>(id)]; }
  void describe(const Node& node);
  void describe_constant_outputs(const Node& node);
  std::vector<Operand> operands(const Node& node) const;
  Tensors fold(const Node& node) const;

  Graph graph_;
  mutable std::vector<Facts> facts_;  // by ValueId
};

/// A copy of the type with these dims; of a rank-1 integer tensor's symbolic elements nothing is kept.
ValueType tensor_type(DataType dtype, const Dims& dims);

}  // namespace edgeopt
