// What many operators share: shape rules, axes, and loops over elements of any type.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ir/op.h"
#include "ir/rules/move_elements.h"

namespace edgeopt {

// Shape rules.

/// One output, with element type and shape of the first input.
std::vector<Operand> same_shape_as_input(const InferCall& call);
/// One output: all inputs broadcast together (numpy), element type of the first.
std::vector<Operand> infer_broadcast(const InferCall& call);
/// The same with boolean elements.
std::vector<Operand> infer_comparison(const InferCall& call);
/// The second input of a binary operator. Below opset 7 the attribute "axis" says along which axis of the
/// first its first dim lies; it is returned with the trailing ones that numpy's alignment wants.
Tensor aligned_second_input(const EvaluateCall& call);
/// The shape of all present operands broadcast together; nothing if a rank is unknown.
std::optional<Shape> broadcast_shape(std::span<const Operand> operands);

/// The axes counted from the front, ascending. throws UserError if one is outside the rank or given twice
std::vector<std::int64_t> sorted_axes(std::vector<std::int64_t> axes, std::size_t rank);
/// The axes that a node names: its input `index` if it has one, else its attribute "axes"; empty if neither
/// is there. For inference: nothing if they are computed at run time.
std::optional<std::vector<std::int64_t>> given_axes(const InferCall& call, std::size_t index);
std::vector<std::int64_t> given_axes(const EvaluateCall& call, std::size_t index);
/// The shape with the axes (normalized) set to 1, or left out.
Shape reduced_shape(const Shape& shape, std::span<const std::int64_t> axes, bool keep_dims);
Dims reduced_dims(const Dims& dims, std::span<const std::int64_t> axes, bool keep_dims);

/// Longer integer tensors are data, not shapes on their way to Reshape.
constexpr std::int64_t longest_shape = 64;
/// The elements of a small integer tensor as dims; nothing if it is too long or holds a negative number.
std::optional<Shape> dims_of_elements(std::span<const std::int64_t> elements);

/// `count` operations per element of the first output.
CostRule operations_per_output(std::int64_t count);
/// Elements of a shape where symbols and unknown dims count as 1.
std::int64_t known_element_count(const Operand& operand);

/// The operator with the fact that f(s x) == s f(x) for s > 0.
OpDefinition homogeneous(OpDefinition op);

/// An index counted from the front. throws UserError if it is outside [-length, length)
std::int64_t normalize_index(std::int64_t index, std::int64_t length);

// Loops over elements.

template <typename... Ts>
struct TypeList {};
using FloatTypes = TypeList<float, double>;
using IntegerTypes = TypeList<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                              std::uint32_t, std::int64_t, std::uint64_t>;
using NumberTypes = TypeList<float, double, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                             std::int32_t, std::uint32_t, std::int64_t, std::uint64_t>;
/// Every type that C++ itself can hold; the others are read through to_doubles and to_int64s.
using NativeTypes = TypeList<float, double, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                             std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, bool>;

[[noreturn]] void reject_element_type(DataType dtype);
/// throws  UserError naming both types if the elements are not of the wanted type
void require_element_type(const Tensor& tensor, DataType wanted);

/// Calls function.operator()<T>() with the T of the list that is `dtype`. throws UserError if none is
template <typename... Ts, typename Function>
void visit_type(TypeList<Ts...>, DataType dtype, Function&& function) {
  const bool is_found =
      ((dtype == DataTypeOf<Ts>::value && (function.template operator()<Ts>(), true)) || ...);
  if (!is_found) reject_element_type(dtype);
}

/// True for float16, bfloat16 and the floats of 8 bits and less, which are computed in float32.
bool is_narrow_float(DataType dtype);
/// Narrow floats as float32, everything else as it is.
Tensor widened(const Tensor& tensor);
Tensors widened(std::span<const Tensor> tensors);

/// y[i] = f(x[i]) for a floating-point tensor, computed in double and rounded once.
Tensor map_floats(const Tensor& x, const std::function<double(double)>& f);

/// For each element of a tensor of dims `to`, in order, the index of the element of a tensor of dims `from`
/// that broadcasting puts there (UserError if it cannot). With `from` = `to` reduced to 1 along some axes:
/// the group that each element is reduced into.
std::vector<std::int64_t> broadcast_indexes(const Dims& from, const Dims& to);
/// Element i of the result is element indexes[i] of the source, zero ("") where the index is negative. For
/// every element type, strings and packed ones too.
Tensor pick_elements(const Tensor& source, Dims dims, std::span<const std::int64_t> indexes);
/// The same over a tensor that is there already: element i of the result is element indexes[i] of the source,
/// or where the index is negative element i of `otherwise`.
Tensor merge_elements(const Tensor& source, std::span<const std::int64_t> indexes, Tensor otherwise);
/// The lines of a tensor along one axis: element j of line i is element start(i) + j * step of the tensor.
struct AxisLines {
  std::int64_t count = 0;
  std::int64_t length = 0;
  std::int64_t step = 1;
  std::int64_t start(std::int64_t line) const { return line / step * step * length + line % step; }
};
/// throws  UserError if the axis is outside the rank
AxisLines lines_along(const Dims& dims, std::int64_t axis);
/// The tensor broadcast to `dims`.
Tensor expanded(const Tensor& tensor, const Dims& dims);

/// y[i] = f(x[i]), computed in the element type T (narrow floats in float32); f's result is converted to T.
template <typename Types, typename Function>
Tensor map_elements(Types types, const Tensor& input, Function f) {
  const Tensor x = widened(input);
  Tensor y(x.dtype(), x.dims());
  visit_type(types, x.dtype(), [&]<typename T>() {
    const std::span<const T> from = x.data<T>();
    const std::span<T> to = y.mutable_data<T>();
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = static_cast<T>(f(from[i]));
  });
  return cast(y, input.dtype());
}

/// y[i] = f(a[i], b[i]) after broadcasting, both of one element type T (narrow floats in float32). The result
/// has elements of type Result, or of the inputs' type where Result is void.
template <typename Result, typename Types, typename Function>
Tensor combine_elements(Types types, const Tensor& first, const Tensor& second, Function f) {
  const Tensor a = widened(first);
  const Tensor b = widened(second);
  require_element_type(b, a.dtype());
  const Dims dims = broadcast_dims(a.dims(), b.dims());
  const std::vector<std::int64_t> from_a = broadcast_indexes(a.dims(), dims);
  const std::vector<std::int64_t> from_b = broadcast_indexes(b.dims(), dims);
  Tensor y;
  visit_type(types, a.dtype(), [&]<typename T>() {
    using Y = std::conditional_t<std::is_void_v<Result>, T, Result>;
    y = Tensor(DataTypeOf<Y>::value, dims);
    const std::span<const T> x1 = a.data<T>();
    const std::span<const T> x2 = b.data<T>();
    const std::span<Y> to = y.mutable_data<Y>();
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] =
          static_cast<Y>(f(x1[static_cast<std::size_t>(from_a[i])], x2[static_cast<std::size_t>(from_b[i])]));
  });
  return std::is_void_v<Result> ? cast(y, first.dtype()) : y;
}

}  // namespace edgeopt
