// Comparing graphs. operator== walks both in file order and compares everything; structural_difference
// numbers values by a walk from the outputs, so that names inside and the order of independent nodes do not
// matter.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ir/graph.h"

namespace edgeopt {
namespace {

using Pairing = std::map<ValueId, ValueId>;

class Comparison {
 public:
  Comparison(const Graph& a, const Graph& b) : a_(a), b_(b) {}

  std::optional<std::string> run() {
    if (a_.inputs().size() != b_.inputs().size())
      return fmt::format("{} inputs against {}", a_.inputs().size(), b_.inputs().size());
    if (a_.outputs().size() != b_.outputs().size())
      return fmt::format("{} outputs against {}", a_.outputs().size(), b_.outputs().size());
    for (std::size_t i = 0; i < a_.inputs().size(); ++i)
      if (!pair_boundary("input", a_.inputs()[i], b_.inputs()[i])) return difference_;
    for (std::size_t i = 0; i < a_.outputs().size(); ++i)
      if (!pair_boundary("output", a_.outputs()[i], b_.outputs()[i]) ||
          !match(a_.outputs()[i], b_.outputs()[i]))
        return difference_;
    if (a_.nodes().size() != b_.nodes().size())
      return fmt::format("{} nodes against {}", a_.nodes().size(), b_.nodes().size());
    return std::nullopt;
  }

 private:
  bool fail(std::string why) {
    difference_ = std::move(why);
    return false;
  }

  bool pair_boundary(std::string_view what, ValueId a, ValueId b) {
    const Value& left = a_.value(a);
    const Value& right = b_.value(b);
    if (left.name != right.name)
      return fail(fmt::format("{} '{}' against '{}'", what, left.name, right.name));
    if (left.type.dtype != right.type.dtype)
      return fail(fmt::format("{} '{}' is {} against {}", what, left.name, name_of(left.type.dtype),
                              name_of(right.type.dtype)));
    const bool same_shape = !left.type.shape || !right.type.shape || *left.type.shape == *right.type.shape;
    return same_shape || fail(fmt::format("{} '{}' is {} against {}", what, left.name,
                                          to_string(*left.type.shape), to_string(*right.type.shape)));
  }

  bool match(ValueId a, ValueId b) {
    if (a == ValueId::none || b == ValueId::none) return a == b || fail("an input is left out on one side");
    if (const auto found = pairs_.find(a); found != pairs_.end())
      return found->second == b || fail(fmt::format("'{}' meets two different values", a_.name_of(a)));
    pairs_[a] = b;
    const Value& left = a_.value(a);
    const Value& right = b_.value(b);
    if (left.constant != right.constant)
      return fail(fmt::format("constant '{}' against '{}' differ", left.name, right.name));
    const bool is_boundary = left.is_input || left.is_captured || right.is_input || right.is_captured;
    if (is_boundary && left.name != right.name)
      return fail(fmt::format("'{}' against '{}'", left.name, right.name));
    const Node* left_node = a_.producer(a);
    const Node* right_node = b_.producer(b);
    if (!left_node || !right_node)
      return left_node == right_node || fail(fmt::format("'{}' is computed on one side only", left.name));
    return left.output_index == right.output_index
               ? match_nodes(*left_node, *right_node)
               : fail(fmt::format("another output of {}", left_node->op_type));
  }

  bool match_nodes(const Node& a, const Node& b) {
    if (a.op_type != b.op_type || a.domain != b.domain)
      return fail(fmt::format("{} against {} for '{}'", a.op_type, b.op_type, a_.name_of(first_output(a))));
    if (!(a.attributes == b.attributes))
      return fail(fmt::format("attributes of {} for '{}' differ", a.op_type, a_.name_of(first_output(a))));
    if (a.inputs.size() != b.inputs.size() || a.captures.size() != b.captures.size())
      return fail(fmt::format("{} has {} inputs against {}", a.op_type, a.inputs.size(), b.inputs.size()));
    for (std::size_t i = 0; i < a.inputs.size(); ++i)
      if (!match(a.inputs[i], b.inputs[i])) return false;
    for (std::size_t i = 0; i < a.captures.size(); ++i)
      if (!match(a.captures[i].value, b.captures[i].value)) return false;
    return true;
  }

  static ValueId first_output(const Node& node) {
    for (const ValueId output : node.outputs)
      if (output != ValueId::none) return output;
    return node.outputs.front();
  }

  const Graph& a_;
  const Graph& b_;
  Pairing pairs_;
  std::string difference_;
};

// Everything about a value or node but its ids.
bool same_description(Value a, const Value& b) {
  a.id = b.id;
  a.producer = b.producer;
  return a == b;
}

class ExactComparison {
 public:
  ExactComparison(const Graph& a, const Graph& b) : a_(a), b_(b) {}

  bool same(std::span<const ValueId> a, std::span<const ValueId> b) const {
    return std::ranges::equal(a, b, [&](ValueId left, ValueId right) { return same(left, right); });
  }

  bool same(ValueId a, ValueId b) const {
    if (a == ValueId::none || b == ValueId::none) return a == b;
    return same_description(a_.value(a), b_.value(b));
  }

  bool same(NodeId left, NodeId right) const {
    const Node& a = a_.node(left);
    const Node& b = b_.node(right);
    return a.op_type == b.op_type && a.domain == b.domain && a.name == b.name && a.doc == b.doc &&
           a.attributes == b.attributes && a.unknown_fields == b.unknown_fields && same(a.inputs, b.inputs) &&
           same(a.outputs, b.outputs) &&
           std::ranges::equal(a.captures, b.captures, [&](const auto& x, const auto& y) {
             return x.name == y.name && same(x.value, y.value);
           });
  }

 private:
  const Graph& a_;
  const Graph& b_;
};

}  // namespace

std::optional<std::string> structural_difference(const Graph& a, const Graph& b) {
  return Comparison(a, b).run();
}

bool Graph::operator==(const Graph& other) const {
  const ExactComparison exact(*this, other);
  if (name_ != other.name_ || unknown_fields_ != other.unknown_fields_ || !(*header_ == *other.header_))
    return false;
  if (!exact.same(inputs_, other.inputs_) || !exact.same(outputs_, other.outputs_) ||
      !exact.same(captured_, other.captured_))
    return false;
  const auto same_value = [&](ValueId a, ValueId b) { return exact.same(a, b); };
  const auto same_node = [&](NodeId a, NodeId b) { return exact.same(a, b); };
  // What nodes compute is compared with the nodes; inputs and constants have an order of their own.
  const auto given = [](const Graph& graph) {
    std::vector<ValueId> ids = graph.values();
    std::erase_if(ids, [&](ValueId id) { return graph.value(id).producer != NodeId::none; });
    return ids;
  };
  return std::ranges::equal(given(*this), given(other), same_value) &&
         std::ranges::equal(order_, other.order_, same_node);
}

}  // namespace edgeopt
