// The same elements under other dims: 0 copies the input's dim (unless allowzero), -1 takes what is left.
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// The wanted dims with the copied ones filled in; unknown where the shape says -1 or is not known.
Shape wanted_shape(Shape wanted, const std::optional<Shape>& input, bool zero_is_zero) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (zero_is_zero || wanted[i] != Dim(0)) continue;
    if (input && i >= input->size())
      throw UserError(fmt::format("dim {} of the new shape is 0 (copy), but the input has only {} dims", i,
                                  input->size()));
    wanted[i] = input ? (*input)[i] : Dim();
  }
  return wanted;
}

// A single dim that is open is the input's count divided by the product of the others.
Shape resolved_shape(const Shape& wanted, const std::optional<Shape>& input, bool zero_is_zero) {
  Shape shape = wanted_shape(wanted, input, zero_is_zero);
  if (!input || std::ranges::count_if(shape, &Dim::is_unknown) != 1) return shape;
  DimProduct others;
  for (const Dim& dim : shape)
    if (!dim.is_unknown()) others.multiply(dim);
  *std::ranges::find_if(shape, &Dim::is_unknown) = product_of(*input).divided_by(others);
  return shape;
}

std::optional<Shape> shape_parameter(const InferCall& call) {
  if (call.has_input(1)) return known_elements(call.inputs[1]);
  Shape shape;
  for (const std::int64_t dim : call.attributes().get_ints("shape"))
    shape.push_back(dim < 0 ? Dim() : Dim(dim));
  return shape;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  const std::optional<Shape> wanted = shape_parameter(call);
  if (wanted) {
    const bool zero_is_zero = call.attributes().get_int("allowzero", 0) != 0;
    return {moved(data, resolved_shape(*wanted, data.type.shape, zero_is_zero))};
  }
  const Operand& shape = call.inputs[1];
  if (shape.has_shape() && shape.shape().size() == 1 && shape.shape()[0].is_number())
    return {of_unknown_dims(data.type.dtype, static_cast<std::size_t>(shape.shape()[0].size))};
  return {of_unknown_shape(data)};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const std::vector<std::int64_t> numbers =
      parameter_ints(call, 1, "shape").value_or(std::vector<std::int64_t>());
  const bool zero_is_zero = call.attributes().get_int("allowzero", 0) != 0;
  Shape wanted;
  for (const std::int64_t dim : numbers) wanted.push_back(dim < 0 ? Dim() : Dim(dim));
  const std::optional<Dims> dims = static_dims(resolved_shape(wanted, to_shape(data.dims()), zero_is_zero));
  if (!dims || element_count(*dims) != data.element_count())
    throw UserError(fmt::format("a tensor of shape {} cannot be reshaped to {}", to_string(data.dims()),
                                to_string(wanted)));
  return {data.reshaped(*dims)};
}

// A shape that is computed would not follow.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (call.has_input(1) && !call.inputs[1].constant) return {};
  return reshape_ties(call, infer);
}

}  // namespace

OpDefinition reshape_op() {
  return {
      .name = "Reshape",
      .versions = {1, 5, 13, 14, 19, 21, 23, 24, 25},
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
