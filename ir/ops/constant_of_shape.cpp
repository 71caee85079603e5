// y = a tensor of the given shape, filled with `value` (float 0 by default).
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Tensor fill_value(const Attributes& attributes) {
  const Tensor* value = attributes.get<Tensor>("value");
  if (!value) return Tensor::scalar(0.0F);
  if (value->element_count() != 1) throw UserError("the value of ConstantOfShape must be one number");
  return value->reshaped({});
}

Tensors evaluate(const EvaluateCall& call) {
  const Dims dims = to_int64s(call.inputs[0]);
  for (const std::int64_t dim : dims)
    if (dim < 0) throw UserError("ConstantOfShape: a dim is negative");
  return {expanded(fill_value(call.attributes()), dims)};
}

std::optional<Shape> inferred_shape(const Operand& shape) {
  if (shape.elements) return shape.elements;
  if (const auto numbers = shape.int_elements()) return to_shape(*numbers);
  if (shape.has_shape() && shape.shape().size() == 1 && shape.shape()[0].is_number())
    return Shape(static_cast<std::size_t>(shape.shape()[0].size));
  return std::nullopt;
}

std::vector<Operand> infer(const InferCall& call) {
  const Tensor value = fill_value(call.attributes());
  Operand y = operand(value.dtype(), inferred_shape(call.inputs[0]));
  const auto dims = y.has_shape() ? static_dims(y.shape()) : std::nullopt;
  if (dims && dims->size() <= 1 && is_integer(value.dtype()) && element_count(*dims) <= longest_shape)
    y.elements = dims_of_elements(to_int64s(expanded(value, *dims)));
  return {y};
}

}  // namespace

OpDefinition constant_of_shape_op() {
  return {
      .name = "ConstantOfShape",
      .versions = {9, 20, 21, 23, 24, 25},
      .infer = infer,
      .evaluate = evaluate,
  };
}

}  // namespace edgeopt
