#include "ir/rules/call_inputs.h"

#include <fmt/format.h>

#include "support/error.h"

namespace edgeopt {
namespace {

[[noreturn]] void reject_missing(std::size_t index) {
  throw UserError(fmt::format("input {} is missing, but the operator needs it", index));
}

std::optional<std::vector<std::int64_t>> attribute_ints(const Attributes& attributes, std::string_view name) {
  if (!attributes.find(name)) return std::nullopt;
  return attributes.get_ints(name);
}

}  // namespace

const Operand& required_input(const InferCall& call, std::size_t index) {
  if (!call.has_input(index)) reject_missing(index);
  return call.inputs[index];
}

const Tensor& required_input(const EvaluateCall& call, std::size_t index) {
  if (!call.has_input(index)) reject_missing(index);
  return call.inputs[index];
}

std::optional<std::vector<std::int64_t>> parameter_ints(const InferCall& call, std::size_t input,
                                                        std::string_view attribute) {
  if (call.has_input(input)) return call.inputs[input].int_elements();
  return attribute_ints(call.attributes(), attribute);
}

std::optional<std::vector<std::int64_t>> parameter_ints(const EvaluateCall& call, std::size_t input,
                                                        std::string_view attribute) {
  if (call.has_input(input)) return to_int64s(call.inputs[input]);
  return attribute_ints(call.attributes(), attribute);
}

bool has_parameter(const InferCall& call, std::size_t input, std::string_view attribute) {
  return call.has_input(input) || call.attributes().find(attribute);
}

std::int64_t single_int(const Tensor& tensor) {
  if (tensor.element_count() != 1)
    throw UserError(fmt::format("one integer expected, shape {} found", to_string(tensor.dims())));
  return to_int64s(tensor)[0];
}

Operand of_unknown_shape(const Operand& like) { return operand(like.type.dtype, std::nullopt); }

Operand of_unknown_dims(DataType dtype, std::size_t rank) {
  // NumPy's largest rank; a damaged file may ask for billions of dims.
  constexpr std::size_t largest_rank = 64;
  return rank <= largest_rank ? operand(dtype, Shape(rank)) : operand(dtype, std::nullopt);
}

Operand moved(const Operand& source, Shape shape) {
  const bool is_vector = shape.size() <= 1;
  Operand result = operand(source.type.dtype, std::move(shape));
  if (is_vector) result.elements = source.elements;
  return result;
}

std::optional<Shape> known_elements(const Operand& operand) {
  if (operand.elements) return operand.elements;
  if (!operand.constant || operand.constant->rank() > 1) return std::nullopt;
  const auto numbers = operand.int_elements();
  if (!numbers) return std::nullopt;
  Shape elements;
  for (const std::int64_t number : *numbers) elements.push_back(number < 0 ? Dim() : Dim(number));
  return elements;
}

std::vector<std::int64_t> axes_from_front(std::vector<std::int64_t> axes, std::size_t rank) {
  for (std::int64_t& axis : axes) axis = normalize_axis(axis, rank);
  return axes;
}

}  // namespace edgeopt
