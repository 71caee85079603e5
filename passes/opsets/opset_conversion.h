// The means of one operator's conversion to a later opset.
#pragma once
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>

#include "ir/edit.h"
#include "ir/graph.h"

namespace edgeopt {

/// Why a node cannot be converted; nothing if it was.
using Reason = std::optional<std::string>;

struct Conversion {
  const Graph& graph;
  const Node& node;
  int from;
  Edit& edit;

  /// A new constant as input; named after the node.
  void set(std::size_t input, Tensor tensor, const std::string& hint) const;
  void drop_attributes(std::initializer_list<const char*> names) const;
  void set_attribute(const std::string& name, Attribute value) const;
  /// The node's results are computed by another one from now on.
  void replace_by(NodeSpec spec) const;
  bool is_used(ValueId value) const;
};

using ConversionRule = std::function<Reason(const Conversion&)>;

/// Applies the operator's rule; an operator without one means the same at both opsets.
Reason convert_by(const std::map<std::string, ConversionRule>& rules, const Conversion& conversion);

/// An integer list moves from an attribute to an input.
Reason move_ints(const Conversion& conversion, const char* attribute, std::size_t input);

}  // namespace edgeopt
