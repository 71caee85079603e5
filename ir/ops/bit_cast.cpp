// The same bits under another element type of the same width.
#include <algorithm>

#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

DataType target_type(const Attributes& attributes) {
  return static_cast<DataType>(attributes.get_int("to", 0));
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  const DataType to = target_type(call.attributes());
  if (bit_count(to) == 0 || bit_count(to) != bit_count(x.dtype()))
    throw UserError("BitCast needs two element types of the same width");
  Tensor y(to, x.dims());
  std::ranges::copy(x.bytes(), y.mutable_bytes().begin());
  return {y};
}

}  // namespace

OpDefinition bit_cast_op() {
  return {
      .name = "BitCast",
      .versions = {26},
      .infer =
          [](const InferCall& call) {
            return std::vector<Operand>{operand(target_type(call.attributes()), call.inputs[0].type.shape)};
          },
      .evaluate = evaluate,
      .is_elementwise = true,
  };
}

}  // namespace edgeopt
