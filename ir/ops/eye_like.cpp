// y[i][j] = 1 where j = i + k, else 0, with the shape of the matrix x.
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

DataType output_type(const Attributes& attributes, DataType input) {
  const auto asked = static_cast<DataType>(attributes.get_int("dtype", 0));
  return asked == DataType::undefined ? input : asked;
}

Tensors evaluate(const EvaluateCall& call) {
  const Dims& dims = call.inputs[0].dims();
  if (dims.size() != 2) throw UserError("the input of EyeLike must be a matrix");
  const std::int64_t k = call.attributes().get_int("k", 0);
  std::vector<std::int64_t> elements(static_cast<std::size_t>(call.inputs[0].element_count()));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    elements[i] = index % dims[1] - index / dims[1] == k ? 1 : 0;
  }
  return {from_int64s(output_type(call.attributes(), call.inputs[0].dtype()), dims, elements)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType& x = call.inputs[0].type;
  return {operand(output_type(call.attributes(), x.dtype), x.shape)};
}

}  // namespace

OpDefinition eye_like_op() {
  return {.name = "EyeLike", .versions = {9, 22}, .infer = infer, .evaluate = evaluate};
}

}  // namespace edgeopt
