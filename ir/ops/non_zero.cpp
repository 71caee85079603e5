// y[d][n] = coordinate d of the n-th element of x that is not 0, in row-major order.
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  const std::vector<double> elements = to_doubles(x);
  std::vector<std::int64_t> found;
  for (std::size_t i = 0; i < elements.size(); ++i)
    if (elements[i] != 0) found.push_back(static_cast<std::int64_t>(i));
  const Dims strides = strides_of(x.dims());
  std::vector<std::int64_t> coordinates;
  for (std::size_t axis = 0; axis < x.rank(); ++axis)
    for (const std::int64_t index : found) coordinates.push_back(index / strides[axis] % x.dims()[axis]);
  const Dims dims = {static_cast<std::int64_t>(x.rank()), static_cast<std::int64_t>(found.size())};
  return {Tensor::of<std::int64_t>(dims, coordinates)};
}

std::vector<Operand> infer(const InferCall& call) {
  Shape shape(2);
  if (call.inputs[0].has_shape()) shape[0] = static_cast<std::int64_t>(call.inputs[0].shape().size());
  return {operand(DataType::int64, shape)};
}

}  // namespace

OpDefinition non_zero_op() {
  return {.name = "NonZero", .versions = {9, 13}, .infer = infer, .evaluate = evaluate};
}

}  // namespace edgeopt
