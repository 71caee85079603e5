// y[i] = f(a[i], b[i]) after broadcasting. Integers wrap around: they are computed as unsigned 64-bit
// numbers.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/dim_arithmetic.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Wrapping = std::uint64_t;

OpDefinition binary(std::string name, std::vector<int> versions, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .required_inputs = 2,
      .infer = infer_broadcast,
      .evaluate = std::move(evaluate),
      .count_cost = operations_per_output(1),
      .is_elementwise = true,
  };
}

template <typename Types, typename Function>
OpDefinition typed_binary(std::string name, std::vector<int> versions, Types types, Function f) {
  return binary(std::move(name), std::move(versions), [types, f](const EvaluateCall& call) {
    return Tensors{combine_elements<void>(types, call.inputs[0], aligned_second_input(call), f)};
  });
}

// The same, and on dims that are still symbols.
template <typename Function>
OpDefinition arithmetic(std::string name, DimArithmetic on_dims, Function f) {
  OpDefinition op = typed_binary(std::move(name), {1, 6, 7, 13, 14}, NumberTypes{}, f);
  op.infer = [on_dims](const InferCall& call) {
    std::vector<Operand> outputs = infer_broadcast(call);
    outputs[0].elements = combine_dims(call.inputs[0], call.inputs[1], on_dims);
    return outputs;
  };
  return op;
}

OpDefinition commutative(OpDefinition op) {
  op.is_commutative = true;
  return op;
}

// ONNX Runtime adds and multiplies int8 with scales of both inputs.
OpDefinition quantizable(OpDefinition op) {
  op.quantization = {.role = QuantizationRole::computes, .quantized_inputs = {0, 1}};
  return op;
}

template <typename T>
T add(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a + b;
  else
    return static_cast<T>(static_cast<Wrapping>(a) + static_cast<Wrapping>(b));
}

template <typename T>
T subtract(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a - b;
  else
    return static_cast<T>(static_cast<Wrapping>(a) - static_cast<Wrapping>(b));
}

template <typename T>
T multiply(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a * b;
  else
    return static_cast<T>(static_cast<Wrapping>(a) * static_cast<Wrapping>(b));
}

template <typename T>
T divide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    if (b == T{0}) throw UserError("integer division by zero");
    // The one quotient that overflows is wrapped around.
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return subtract(T{0}, a);
    return static_cast<T>(a / b);
  }
}

template <typename T>
T bit_shift(T a, T b, bool is_left) {
  if (static_cast<std::uint64_t>(b) >= 8 * sizeof(T)) return 0;
  return static_cast<T>(is_left ? static_cast<Wrapping>(a) << b : static_cast<Wrapping>(a) >> b);
}

Tensors evaluate_bit_shift(const EvaluateCall& call) {
  const bool is_left = call.attributes().get_string("direction", "") == "LEFT";
  using Unsigned = TypeList<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
  return {combine_elements<void>(Unsigned{}, call.inputs[0], call.inputs[1],
                                 [=](auto a, auto b) { return bit_shift(a, b, is_left); })};
}

// Each rule gives the gradient of one input before it is summed over broadcast axes.
using SideGradient = ValueId (*)(const GradientCall& call, ValueId dy, std::size_t side);

OpDefinition with_gradient(OpDefinition op, SideGradient f) {
  return differentiable(std::move(op), [f](const GradientCall& call) {
    return for_wanted(call, [&](std::size_t side) {
      return sum_to_input(call, f(call, call.output_gradients[0], side), side);
    });
  });
}

ValueId add_gradient(const GradientCall&, ValueId dy, std::size_t) { return dy; }

ValueId subtract_gradient(const GradientCall& call, ValueId dy, std::size_t side) {
  return side == 0 ? dy : emit(call, "Neg", {dy});
}

ValueId multiply_gradient(const GradientCall& call, ValueId dy, std::size_t side) {
  return emit(call, "Mul", {dy, call.node.inputs[1 - side]});
}

// d(a / b) / db = -(a / b) / b
ValueId divide_gradient(const GradientCall& call, ValueId dy, std::size_t side) {
  const ValueId over_b = emit(call, "Div", {dy, call.node.inputs[1]});
  return side == 0 ? over_b : emit(call, "Neg", {emit(call, "Mul", {over_b, call.node.outputs[0]})});
}

}  // namespace

std::vector<OpDefinition> binary_table() {
  constexpr TypeList<bool> booleans;
  constexpr IntegerTypes integers;
  return {
      with_gradient(quantizable(commutative(
                        homogeneous(arithmetic("Add", add_dims, [](auto a, auto b) { return add(a, b); })))),
                    add_gradient),
      with_gradient(
          homogeneous(arithmetic("Sub", subtract_dims, [](auto a, auto b) { return subtract(a, b); })),
          subtract_gradient),
      with_gradient(quantizable(commutative(
                        arithmetic("Mul", multiply_dims, [](auto a, auto b) { return multiply(a, b); }))),
                    multiply_gradient),
      with_gradient(arithmetic("Div", divide_dims, [](auto a, auto b) { return divide(a, b); }),
                    divide_gradient),
      commutative(typed_binary("And", {1, 7}, booleans, [](bool a, bool b) { return a && b; })),
      commutative(typed_binary("Or", {1, 7}, booleans, [](bool a, bool b) { return a || b; })),
      commutative(typed_binary("Xor", {1, 7}, booleans, [](bool a, bool b) { return a != b; })),
      commutative(typed_binary("BitwiseAnd", {18}, integers, [](auto a, auto b) { return a & b; })),
      commutative(typed_binary("BitwiseOr", {18}, integers, [](auto a, auto b) { return a | b; })),
      commutative(typed_binary("BitwiseXor", {18}, integers, [](auto a, auto b) { return a ^ b; })),
      binary("BitShift", {11}, evaluate_bit_shift),
  };
}

}  // namespace edgeopt
