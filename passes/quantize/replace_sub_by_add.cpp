// x - c == x + (-c), the same bits; Add has an integer form.
#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

Plan replace_sub(const Graph& graph, const Node& sub) {
  const auto operand = constant_operand(graph, sub);
  if (!operand) return no_match();
  if (!operand->is_second) return decline("the constant is what is subtracted from");
  const Tensor constant = *graph.constant(operand->constant);
  if (!has_algebra(constant)) return decline("the elements are neither float nor double");

  Tensor negated = in_double(constant);
  for (double& element : negated.mutable_data<double>()) element = -element;
  Edit edit(graph);
  const std::string name = graph.name_of(operand->constant) + "_negated";
  const ValueId summand = edit.add_constant(rounded_to(constant.dtype(), negated), name);
  edit.replace(sub.outputs[0], edit.add_node({.op_type = "Add",
                                              .inputs = {operand->other, summand},
                                              .name = sub.name,
                                              .output_names = {graph.name_of(sub.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass replace_sub_by_add_pass() {
  return rewrite_pass("replace_sub_by_add",
                      {.roots = {"Sub"},
                       .summary = "Write the subtraction of a constant as the addition of its negation.",
                       .fidelity = Fidelity::exact,
                       .plan = replace_sub});
}

}  // namespace edgeopt
