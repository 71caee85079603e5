// y = x ^ exponent, in the element type of x; the exponent may have another type.
#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

// By squaring, wrapping around. A negative exponent leaves what is 0 towards zero, except for 1 and -1.
template <typename T>
T integer_power(T base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == T{1}) return base;
    return std::is_signed_v<T> && base == static_cast<T>(-1) ? integer_power(base, -(exponent % 2)) : T{0};
  }
  std::uint64_t result = 1;
  auto square = static_cast<std::uint64_t>(base);
  for (; exponent > 0; exponent /= 2, square *= square)
    if (exponent % 2 != 0) result *= square;
  return static_cast<T>(result);
}

Tensor float_power(const Tensor& base, const Tensor& exponent) {
  const Tensor x = cast(base, DataType::float64);
  const Tensor y = cast(exponent, DataType::float64);
  const Tensor power =
      combine_elements<void>(FloatTypes{}, x, y, [](auto a, auto b) { return std::pow(a, b); });
  return cast(power, base.dtype());
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& base = call.inputs[0];
  const Tensor exponent = aligned_second_input(call);
  if (!is_integer(base.dtype()) || is_floating_point(exponent.dtype())) return {float_power(base, exponent)};
  const Dims dims = broadcast_dims(base.dims(), exponent.dims());
  const Tensor x = expanded(base, dims);
  const std::vector<std::int64_t> exponents = to_int64s(expanded(exponent, dims));
  Tensor y(base.dtype(), dims);
  visit_type(IntegerTypes{}, base.dtype(), [&]<typename T>() {
    for (std::size_t i = 0; i < exponents.size(); ++i)
      y.mutable_data<T>()[i] = integer_power(x.data<T>()[i], exponents[i]);
  });
  return {y};
}

// exponent * x^(exponent - 1); a square, the usual case, needs no power.
ValueId base_slope(const GradientCall& call, ValueId exponent) {
  const ValueId x = call.node.inputs[0];
  const std::optional<Tensor> constant = call.graph.constant(call.node.inputs[1]);
  if (constant && constant->element_count() == 1 && to_double(*constant) == 2)
    return emit(call, "Mul", {x, number(call, 2)});
  const ValueId less_one = emit(call, "Sub", {exponent, number(call, 1)});
  return emit(call, "Mul", {exponent, emit(call, "Pow", {x, less_one})});
}

// y * log(x), where x > 0; the limit 0 elsewhere.
ValueId exponent_slope(const GradientCall& call) {
  const ValueId x = call.node.inputs[0];
  const ValueId is_positive = emit(call, "Greater", {x, number(call, 0)});
  const ValueId safe = emit(call, "Where", {is_positive, x, number(call, 1)});
  return emit(call, "Mul", {call.node.outputs[0], emit(call, "Log", {safe})});
}

std::vector<ValueId> gradient(const GradientCall& call) {
  const DataType dtype = dtype_of(call, call.node.inputs[0]);
  const DataType exponent_type = dtype_of(call, call.node.inputs[1]);
  const auto to_type = [&](ValueId value, DataType type) {
    if (dtype == exponent_type) return value;
    return emit(call, "Cast", {value}, {{"to", static_cast<std::int64_t>(type)}});
  };
  return for_wanted(call, [&](std::size_t i) {
    const ValueId slope =
        i == 0 ? base_slope(call, to_type(call.node.inputs[1], dtype)) : exponent_slope(call);
    const ValueId product = emit(call, "Mul", {call.output_gradients[0], slope});
    return sum_to_input(call, i == 0 ? product : to_type(product, exponent_type), i);
  });
}

}  // namespace

OpDefinition pow_op() {
  return {
      .name = "Pow",
      .versions = {1, 7, 12, 13, 15},
      .required_inputs = 2,
      .infer = infer_broadcast,
      .evaluate = evaluate,
      .count_cost = operations_per_output(1),
      .gradient = gradient,
      .is_elementwise = true,
  };
}

}  // namespace edgeopt
