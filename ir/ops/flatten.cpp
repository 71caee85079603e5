// [a, b, c, d] -> [a * b, c * d] for axis 2
#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/tied_dims.h"

namespace edgeopt {
namespace {

// The axis may equal the rank: then everything goes to the front.
std::size_t axis_of(const Attributes& attributes, std::size_t rank) {
  const std::int64_t axis = attributes.get_int("axis", 1);
  return static_cast<std::size_t>(normalize_axis(axis < 0 ? axis - 1 : axis, rank + 1));
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  if (!data.has_shape()) return {of_unknown_dims(data.type.dtype, 2)};
  const std::size_t axis = axis_of(call.attributes(), data.shape().size());
  const std::span<const Dim> dims = data.shape();
  return {operand(data.type.dtype, Shape{product_of(dims.first(axis)).divided_by({}),
                                         product_of(dims.subspan(axis)).divided_by({})})};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const std::size_t axis = axis_of(call.attributes(), data.rank());
  const std::span<const std::int64_t> dims = data.dims();
  return {data.reshaped({element_count(dims.first(axis)), element_count(dims.subspan(axis))})};
}

std::vector<TiedDims> tied_dims(const InferCall& call) { return reshape_ties(call, infer); }

}  // namespace

OpDefinition flatten_op() {
  return {
      .name = "Flatten",
      .versions = {1, 9, 11, 13, 21, 23, 24, 25},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = first_input_gradient(reshape_to_input),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::in_order,
  };
}

}  // namespace edgeopt
