// x + 0, x - 0, x * 1, x / 1 and x ^ 1 are x, if the constant does not enlarge it. (-0 + 0 is 0: equal as a
// number, not as bits, hence the fidelity.)
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

constexpr int first_opset_that_broadcasts = 7;  // before, `axis` and `broadcast` say how

bool is_commutative(const Node& node) { return node.is("Add") || node.is("Mul"); }

double neutral_element(const Node& node) { return node.is("Add") || node.is("Sub") ? 0 : 1; }

// True if broadcasting against the constant leaves the dims of `other` as they are.
bool keeps_dims(const Graph& graph, const ConstantOperand& operand, ValueId result) {
  if (has_same_shape(graph, operand.other, result)) return true;
  const auto rank = rank_of(graph, operand.other);
  return rank && constant_scalar(graph, operand.constant, *rank).has_value();
}

SameValue other_operand(const Graph& graph, const Node& node) {
  if (graph.opset() < first_opset_that_broadcasts) return Declined{"the opset broadcasts by attributes"};
  const auto operand = constant_operand(graph, node);
  if (!operand || (!operand->is_second && !is_commutative(node))) return Declined{};
  const auto number = constant_number(graph, operand->constant);
  if (!number || *number != neutral_element(node)) return Declined{};
  if (!keeps_dims(graph, *operand, node.outputs[0])) return Declined{"the constant may enlarge the result"};
  return operand->other;
}

}  // namespace

Pass remove_noop_arithmetic_pass() {
  return bypass_pass("remove_noop_arithmetic",
                     {.roots = {"Add", "Sub", "Mul", "Div", "Pow"},
                      .summary = "Remove additions of 0, multiplications by 1 and the like.",
                      .fidelity = Fidelity::rounding,
                      .same_value = other_operand});
}

}  // namespace edgeopt
