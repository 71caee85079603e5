// y = x
#include "ir/gradient/gradient_rules.h"
#include "ir/op.h"

namespace edgeopt {

OpDefinition identity_op() {
  return {
      .name = "Identity",
      .versions = {1, 13, 14, 16, 19, 21, 23},
      .infer = [](const InferCall& call) { return std::vector<Operand>{call.inputs[0]}; },
      .evaluate = [](const EvaluateCall& call) { return Tensors{call.inputs[0]}; },
      .gradient = first_input_gradient([](const GradientCall&, ValueId dy) { return dy; }),
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_elementwise = true,
      .is_idempotent = true,
      .is_homogeneous = true,
      .movement = Movement::in_order,
  };
}

}  // namespace edgeopt
