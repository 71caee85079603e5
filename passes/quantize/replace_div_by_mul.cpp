// x / c -> x * (1 / c); Mul has an integer form.
#include <algorithm>
#include <cmath>

#include "passes/framework/match.h"
#include "passes/framework/rewrite.h"
#include "passes/framework/tensor_algebra.h"

namespace edgeopt {
namespace {

// Denormal reciprocals have fewer digits, and devices may take them for zero.
bool are_normal(const Tensor& tensor) {
  return std::ranges::all_of(to_doubles(tensor), [&](double element) {
    return tensor.dtype() == DataType::float32 ? std::isnormal(static_cast<float>(element))
                                               : std::isnormal(element);
  });
}

Plan replace_div(const Graph& graph, const Node& div) {
  const auto operand = constant_operand(graph, div);
  if (!operand) return no_match();
  if (!operand->is_second) return decline("the constant is what is divided");
  const Tensor constant = *graph.constant(operand->constant);
  if (!has_algebra(constant)) return decline("the elements are neither float nor double");
  const Tensor reciprocal = rounded_to(constant.dtype(), filled(1, 1).reshaped({}) / in_double(constant));
  if (!are_normal(constant) || !are_normal(reciprocal))
    return decline("a divisor is zero, not finite, or has no exact enough reciprocal");

  Edit edit(graph);
  const ValueId factor = edit.add_constant(reciprocal, graph.name_of(operand->constant) + "_reciprocal");
  edit.replace(div.outputs[0], edit.add_node({.op_type = "Mul",
                                              .inputs = {operand->other, factor},
                                              .name = div.name,
                                              .output_names = {graph.name_of(div.outputs[0])}})[0]);
  return edit;
}

}  // namespace

Pass replace_div_by_mul_pass() {
  return rewrite_pass("replace_div_by_mul",
                      {.roots = {"Div"},
                       .summary = "Write the division by a constant as a product with its reciprocal.",
                       .fidelity = Fidelity::rounding,
                       .plan = replace_div});
}

}  // namespace edgeopt
