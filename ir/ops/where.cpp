// y[i] = condition[i] ? a[i] : b[i], with broadcasting, for every element type.
#include "ir/gradient/gradient_rules.h"
#include "ir/rules/dim_arithmetic.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  require_element_type(call.inputs[0], DataType::boolean);
  require_element_type(call.inputs[2], call.inputs[1].dtype());
  const Dims dims =
      broadcast_dims(call.inputs[0].dims(), broadcast_dims(call.inputs[1].dims(), call.inputs[2].dims()));
  const Tensor condition = expanded(call.inputs[0], dims);
  std::vector<std::int64_t> from_a = broadcast_indexes(call.inputs[1].dims(), dims);
  std::vector<std::int64_t> from_b = broadcast_indexes(call.inputs[2].dims(), dims);
  const std::span<const bool> choices = condition.data<bool>();
  for (std::size_t i = 0; i < choices.size(); ++i) (choices[i] ? from_b : from_a)[i] = -1;
  return {merge_elements(call.inputs[1], from_a, pick_elements(call.inputs[2], dims, from_b))};
}

std::vector<Operand> infer(const InferCall& call) {
  Operand y = operand(call.inputs[1].type.dtype, broadcast_shape(call.inputs));
  const auto condition = call.inputs[0].int_elements();
  if (condition && condition->size() == 1)
    y.elements = combine_dims(call.inputs[1], call.inputs[2], [&](const DimElement& a, const DimElement& b) {
      return condition->front() != 0 ? a : b;
    });
  return {y};
}

std::vector<ValueId> gradient(const GradientCall& call) {
  const ValueId dy = call.output_gradients[0], condition = call.node.inputs[0];
  const ValueId zero = number(call, 0, call.node.outputs[0]);
  return for_wanted(call, [&](std::size_t i) {
    const std::vector<ValueId> inputs =
        i == 1 ? std::vector{condition, dy, zero} : std::vector{condition, zero, dy};
    return sum_to_input(call, emit(call, "Where", inputs), i);
  });
}

}  // namespace

OpDefinition where_op() {
  return {
      .name = "Where",
      .versions = {9, 16},
      .required_inputs = 3,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(1),
      .gradient = gradient,
      .is_elementwise = true,
  };
}

}  // namespace edgeopt
