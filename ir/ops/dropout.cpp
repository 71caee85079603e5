// Inference: y = x and a mask of all ones (a number below opset 10, a boolean since). Training mode is
// random.
#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

DataType mask_type(int opset, DataType input) { return opset < 10 ? input : DataType::boolean; }

bool is_training(const EvaluateCall& call) {
  if (call.opset < 7) return call.attributes().get_int("is_test", 0) == 0;
  const bool has_flag = call.opset >= 12 && call.has_input(2) && to_double(call.inputs[2]) != 0;
  const bool drops_nothing = call.has_input(1) && to_double(call.inputs[1]) == 0;
  return has_flag && !drops_nothing;
}

Tensors evaluate(const EvaluateCall& call) {
  if (is_training(call)) throw UserError("Dropout in training mode is random and cannot be evaluated");
  const Tensor& x = call.inputs[0];
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(x.element_count()), 1);
  return {x, from_int64s(mask_type(call.opset, x.dtype()), x.dims(), ones)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType& x = call.inputs[0].type;
  return {operand(x.dtype, x.shape), operand(mask_type(call.opset, x.dtype), x.shape)};
}

// In inference it is the identity; which elements training drops is not written in the graph.
std::vector<ValueId> gradient(const GradientCall& call) {
  require_first_output(call);
  const std::optional<Tensor> flag =
      call.node.has_input(2) ? call.graph.constant(call.node.inputs[2]) : Tensor::scalar(false);
  if (!flag || to_double(*flag) != 0) reject_gradient(call, "training mode");
  return {call.output_gradients[0]};
}

}  // namespace

OpDefinition dropout_op() {
  return {
      .name = "Dropout",
      .versions = {1, 6, 7, 10, 12, 13, 22},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = gradient,
      .is_elementwise = true,
  };
}

}  // namespace edgeopt
