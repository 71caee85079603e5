// y = the number of elements of x.
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  Operand y = operand(DataType::int64, Shape{});
  if (call.inputs[0].has_shape()) y.elements = Shape{product_of(call.inputs[0].shape()).divided_by({})};
  return {y};
}

}  // namespace

OpDefinition size_op() {
  return {
      .name = "Size",
      .versions = {1, 13, 19, 21, 23, 24, 25},
      .infer = infer,
      .evaluate =
          [](const EvaluateCall& call) { return Tensors{Tensor::scalar(call.inputs[0].element_count())}; },
  };
}

}  // namespace edgeopt
