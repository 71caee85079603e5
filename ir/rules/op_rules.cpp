// Shape rules, axes and element loops that many operators share.
#include "ir/rules/op_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "ir/saturated_counts.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename T>
std::vector<T> without_axes(const std::vector<T>& dims, std::span<const std::int64_t> axes, bool keep_dims) {
  std::vector<T> result;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const bool is_reduced = std::ranges::count(axes, static_cast<std::int64_t>(i)) > 0;
    if (!is_reduced) result.push_back(dims[i]);
    if (is_reduced && keep_dims) result.emplace_back(1);
  }
  return result;
}

// Copies element `from` of a packed tensor (2 or 4 bits an element, low bits first) to element `to`.
void copy_packed(std::span<const std::byte> source, std::size_t from, std::span<std::byte> target,
                 std::size_t to, std::size_t bits) {
  const std::size_t per_byte = 8 / bits;
  const auto mask = static_cast<std::byte>((1U << bits) - 1);
  const std::byte element = (source[from / per_byte] >> (from % per_byte * bits)) & mask;
  const std::size_t shift = to % per_byte * bits;
  target[to / per_byte] = (target[to / per_byte] & ~(mask << shift)) | (element << shift);
}

// Before opset 7 the first input's shape was the result's, and attributes aligned the second with it.
bool has_old_broadcast(const Node& node, int opset) {
  return opset < 7 && node.domain.empty() && node.attributes.get_int("broadcast", 0) != 0;
}

// Of an operator with two inputs, or with any number of them.
std::optional<Shape> broadcast_result(const InferCall& call) {
  const OpDefinition* op = find_op(call.node);
  if (op && op->required_inputs == 2 && call.inputs.size() > 2)
    throw UserError(fmt::format("{} inputs are given to an operator of two", call.inputs.size()));
  return has_old_broadcast(call.node, call.opset) ? call.inputs[0].type.shape : broadcast_shape(call.inputs);
}

void require_broadcastable(const Dims& from, const Dims& to) {
  bool fits = from.size() <= to.size();
  for (std::size_t i = 1; fits && i <= from.size(); ++i)
    fits = from[from.size() - i] == 1 || from[from.size() - i] == to[to.size() - i];
  if (!fits)
    throw UserError(fmt::format("shape {} cannot be broadcast to shape {}", to_string(from), to_string(to)));
}

}  // namespace

std::vector<Operand> same_shape_as_input(const InferCall& call) {
  const ValueType& type = call.inputs[0].type;
  return {operand(type.dtype, type.shape)};
}

std::optional<Shape> broadcast_shape(std::span<const Operand> operands) {
  Shape shape;
  for (const Operand& each : operands) {
    if (!each.is_present) continue;
    if (!each.has_shape()) return std::nullopt;
    shape = broadcast_shapes(shape, each.shape());
  }
  return shape;
}

std::vector<Operand> infer_broadcast(const InferCall& call) {
  return {operand(call.inputs[0].type.dtype, broadcast_result(call))};
}

std::vector<Operand> infer_comparison(const InferCall& call) {
  return {operand(DataType::boolean, broadcast_result(call))};
}

Tensor aligned_second_input(const EvaluateCall& call) {
  const Tensor& second = call.inputs[1];
  if (!has_old_broadcast(call.node, call.opset) || !call.attributes().find("axis")) return second;
  const std::size_t rank = call.inputs[0].rank();
  const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", 0), rank);
  Dims dims = second.dims();
  while (dims.size() + static_cast<std::size_t>(axis) < rank) dims.push_back(1);
  return second.reshaped(dims);
}

std::vector<std::int64_t> sorted_axes(std::vector<std::int64_t> axes, std::size_t rank) {
  for (std::int64_t& axis : axes) axis = normalize_axis(axis, rank);
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end())
    throw UserError(fmt::format("an axis is given twice in axes {}", to_string(axes)));
  return axes;
}

std::int64_t normalize_index(std::int64_t index, std::int64_t length) {
  if (index < -length || index >= length)
    throw UserError(fmt::format("index {} is outside an axis of length {}", index, length));
  return index < 0 ? index + length : index;
}

std::optional<std::vector<std::int64_t>> given_axes(const InferCall& call, std::size_t index) {
  if (call.has_input(index)) return call.inputs[index].int_elements();
  return call.attributes().get_ints("axes");
}

std::vector<std::int64_t> given_axes(const EvaluateCall& call, std::size_t index) {
  if (call.has_input(index)) return to_int64s(call.inputs[index]);
  return call.attributes().get_ints("axes");
}

Shape reduced_shape(const Shape& shape, std::span<const std::int64_t> axes, bool keep_dims) {
  return without_axes(shape, axes, keep_dims);
}

Dims reduced_dims(const Dims& dims, std::span<const std::int64_t> axes, bool keep_dims) {
  return without_axes(dims, axes, keep_dims);
}

std::optional<Shape> dims_of_elements(std::span<const std::int64_t> elements) {
  const bool is_negative = std::ranges::any_of(elements, [](std::int64_t x) { return x < 0; });
  if (is_negative || static_cast<std::int64_t>(elements.size()) > longest_shape) return std::nullopt;
  return to_shape(elements);
}

std::int64_t known_element_count(const Operand& operand) {
  return operand.has_shape() ? known_element_count(operand.shape()) : 1;
}

OpDefinition homogeneous(OpDefinition op) {
  op.is_homogeneous = true;
  return op;
}

CostRule operations_per_output(std::int64_t count) {
  return [count](const InferCall&, std::span<const Operand> outputs) {
    return Cost{.other_operations =
                    outputs.empty() ? 0 : saturated_product(count, known_element_count(outputs[0]))};
  };
}

void reject_element_type(DataType dtype) {
  throw UserError(fmt::format("the operator is not defined for elements of type {}", name_of(dtype)));
}

void require_element_type(const Tensor& tensor, DataType wanted) {
  if (tensor.dtype() != wanted)
    throw UserError(fmt::format("an input has elements of type {}, but {} is needed", name_of(tensor.dtype()),
                                name_of(wanted)));
}

bool is_narrow_float(DataType dtype) { return is_floating_point(dtype) && bit_count(dtype) < 32; }

Tensor widened(const Tensor& tensor) {
  return is_narrow_float(tensor.dtype()) ? cast(tensor, DataType::float32) : tensor;
}

Tensors widened(std::span<const Tensor> tensors) {
  Tensors results;
  for (const Tensor& tensor : tensors) results.push_back(widened(tensor));
  return results;
}

Tensor map_floats(const Tensor& x, const std::function<double(double)>& f) {
  return map_elements(FloatTypes{}, x, [&f](auto element) { return f(static_cast<double>(element)); });
}

std::vector<std::int64_t> broadcast_indexes(const Dims& from, const Dims& to) {
  require_broadcastable(from, to);
  std::vector<std::int64_t> indexes(static_cast<std::size_t>(element_count(to)));
  if (from == to) {
    std::iota(indexes.begin(), indexes.end(), 0);
    return indexes;
  }
  const Dims from_strides = strides_of(from);
  const std::size_t missing = to.size() - from.size();
  Dims position(to.size(), 0);
  std::int64_t source = 0;
  const auto stride = [&](std::size_t axis) {
    return axis < missing || from[axis - missing] == 1 ? 0 : from_strides[axis - missing];
  };
  for (std::int64_t& index : indexes) {
    index = source;
    for (std::size_t axis = to.size(); axis-- > 0;) {
      source += stride(axis);
      if (++position[axis] < to[axis]) break;
      source -= stride(axis) * to[axis];
      position[axis] = 0;
    }
  }
  return indexes;
}

Tensor pick_elements(const Tensor& source, Dims dims, std::span<const std::int64_t> indexes) {
  return merge_elements(source, indexes, Tensor(source.dtype(), std::move(dims)));
}

Tensor merge_elements(const Tensor& source, std::span<const std::int64_t> indexes, Tensor otherwise) {
  if (source.dtype() == DataType::string) {
    const std::span<std::string> to = otherwise.mutable_strings();
    for (std::size_t i = 0; i < indexes.size(); ++i)
      if (indexes[i] >= 0) to[i] = source.strings()[static_cast<std::size_t>(indexes[i])];
    return otherwise;
  }
  const auto bits = static_cast<std::size_t>(bit_count(source.dtype()));
  const std::span<const std::byte> from = source.bytes();
  const std::span<std::byte> to = otherwise.mutable_bytes();
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (indexes[i] < 0) continue;
    const auto index = static_cast<std::size_t>(indexes[i]);
    if (bits < 8)
      copy_packed(from, index, to, i, bits);
    else
      std::memcpy(&to[i * bits / 8], &from[index * bits / 8], bits / 8);
  }
  return otherwise;
}

AxisLines lines_along(const Dims& dims, std::int64_t axis) {
  const auto position = static_cast<std::size_t>(normalize_axis(axis, dims.size()));
  AxisLines lines{.count = 1, .length = dims[position]};
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i != position) lines.count *= dims[i];
    if (i > position) lines.step *= dims[i];
  }
  return lines;
}

Tensor expanded(const Tensor& tensor, const Dims& dims) {
  return pick_elements(tensor, dims, broadcast_indexes(tensor.dims(), dims));
}

}  // namespace edgeopt
