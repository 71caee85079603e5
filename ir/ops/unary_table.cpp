// y[i] = f(x[i]) without attributes. Floats are computed in double and rounded once; integers wrap around.
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

using FloatFunction = double (*)(double);

OpDefinition unary(std::string name, std::vector<int> versions, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .infer = same_shape_as_input,
      .evaluate = std::move(evaluate),
      .count_cost = operations_per_output(1),
      .is_elementwise = true,
  };
}

// Unless it has a shorter rule, its gradient is an operator of ir/ops/unary_gradient_table.cpp.
OpDefinition float_unary(std::string name, std::vector<int> versions, FloatFunction f) {
  return differentiable(
      unary(std::move(name), std::move(versions),
            [f](const EvaluateCall& call) { return Tensors{map_floats(call.inputs[0], f)}; }),
      own_gradient_operator());
}

template <typename Types, typename Function>
OpDefinition typed_unary(std::string name, std::vector<int> versions, Types types, Function f) {
  return unary(std::move(name), std::move(versions), [types, f](const EvaluateCall& call) {
    return Tensors{map_elements(types, call.inputs[0], f)};
  });
}

OpDefinition idempotent(OpDefinition op) {
  op.is_idempotent = true;
  return op;
}

OpDefinition quantizable(OpDefinition op) {
  op.quantization.role = QuantizationRole::computes;
  return op;
}

template <typename T>
T negative(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return -x;
  else
    return static_cast<T>(std::uint64_t{0} - static_cast<std::uint64_t>(x));
}

template <typename T>
T magnitude(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return std::fabs(x);
  else
    return x < T{0} ? negative(x) : x;
}

// NaN stays NaN, as in numpy.
template <typename T>
T sign(T x) {
  if (x > T{0}) return T{1};
  if (x < T{0}) return negative(T{1});
  return x;
}

// log(1 + exp(x)) without overflow.
double softplus(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double hard_swish(double x) { return x * std::fmax(0, std::fmin(1, x / 6 + 0.5)); }

// dx = f(dy, x, y)
template <typename Function>
OpDefinition with_gradient(OpDefinition op, Function f) {
  return differentiable(std::move(op), first_input_gradient([f](const GradientCall& call, ValueId dy) {
                          return f(call, dy, call.node.inputs[0], call.node.outputs[0]);
                        }));
}

ValueId abs_gradient(const GradientCall& call, ValueId dy, ValueId x, ValueId) {
  return emit(call, "Mul", {dy, emit(call, "Sign", {x})});
}

ValueId neg_gradient(const GradientCall& call, ValueId dy, ValueId, ValueId) {
  return emit(call, "Neg", {dy});
}

// By y, which is positive where x is: then x itself need not be kept.
ValueId relu_gradient(const GradientCall& call, ValueId dy, ValueId, ValueId y) {
  return emit_training(call, "ReluGradient", {dy, y});
}

ValueId exp_gradient(const GradientCall& call, ValueId dy, ValueId, ValueId y) {
  return emit(call, "Mul", {dy, y});
}

ValueId log_gradient(const GradientCall& call, ValueId dy, ValueId x, ValueId) {
  return emit(call, "Div", {dy, x});
}

// 1 / (2 * sqrt(x))
ValueId sqrt_gradient(const GradientCall& call, ValueId dy, ValueId, ValueId y) {
  return emit(call, "Div", {emit(call, "Mul", {dy, number(call, 0.5)}), y});
}

// -1 / x^2
ValueId reciprocal_gradient(const GradientCall& call, ValueId dy, ValueId, ValueId y) {
  return emit(call, "Neg", {emit(call, "Mul", {dy, emit(call, "Mul", {y, y})})});
}

OpDefinition stepwise(OpDefinition op) { return differentiable(std::move(op), zero_gradient()); }

Tensors is_nan(const EvaluateCall& call) {
  Tensor y(DataType::boolean, call.inputs[0].dims());
  const std::vector<double> x = to_doubles(call.inputs[0]);
  for (std::size_t i = 0; i < x.size(); ++i) y.mutable_data<bool>()[i] = std::isnan(x[i]);
  return {y};
}

OpDefinition is_nan_op() {
  OpDefinition op = unary("IsNaN", {9, 13, 20}, is_nan);
  op.infer = [](const InferCall& call) {
    return std::vector<Operand>{operand(DataType::boolean, call.inputs[0].type.shape)};
  };
  return op;
}

void append(std::vector<OpDefinition>& ops, std::vector<OpDefinition> more) {
  for (OpDefinition& op : more) ops.push_back(std::move(op));
}

std::vector<OpDefinition> trigonometric_ops() {
  return {
      float_unary("Sin", {7, 22}, [](double x) { return std::sin(x); }),
      float_unary("Cos", {7, 22}, [](double x) { return std::cos(x); }),
      float_unary("Tan", {7, 22}, [](double x) { return std::tan(x); }),
      float_unary("Asin", {7, 22}, [](double x) { return std::asin(x); }),
      float_unary("Acos", {7, 22}, [](double x) { return std::acos(x); }),
      float_unary("Atan", {7, 22}, [](double x) { return std::atan(x); }),
      float_unary("Sinh", {9, 22}, [](double x) { return std::sinh(x); }),
      float_unary("Cosh", {9, 22}, [](double x) { return std::cosh(x); }),
      float_unary("Tanh", {1, 6, 13}, [](double x) { return std::tanh(x); }),
      float_unary("Asinh", {9, 22}, [](double x) { return std::asinh(x); }),
      float_unary("Acosh", {9, 22}, [](double x) { return std::acosh(x); }),
      float_unary("Atanh", {9, 22}, [](double x) { return std::atanh(x); }),
  };
}

// NaN fails every comparison, so it passes through Relu as ONNX's max(0, x) lets it.
std::vector<OpDefinition> exact_ops() {
  constexpr NumberTypes numbers;
  return {
      with_gradient(homogeneous(idempotent(
                        typed_unary("Abs", {1, 6, 13}, numbers, [](auto x) { return magnitude(x); }))),
                    abs_gradient),
      with_gradient(homogeneous(typed_unary("Neg", {1, 6, 13}, numbers, [](auto x) { return negative(x); })),
                    neg_gradient),
      stepwise(idempotent(typed_unary("Sign", {9, 13}, numbers, [](auto x) { return sign(x); }))),
      with_gradient(homogeneous(idempotent(
                        typed_unary("Relu", {1, 6, 13, 14}, numbers,
                                    [](auto x) { return x < decltype(x){0} ? decltype(x){0} : x; }))),
                    relu_gradient),
      typed_unary("Not", {1}, TypeList<bool>{}, [](bool x) { return !x; }),
      typed_unary("BitwiseNot", {18}, IntegerTypes{}, [](auto x) { return ~x; }),
      stepwise(idempotent(float_unary("Ceil", {1, 6, 13}, [](double x) { return std::ceil(x); }))),
      stepwise(idempotent(float_unary("Floor", {1, 6, 13}, [](double x) { return std::floor(x); }))),
      stepwise(idempotent(float_unary("Round", {11, 22}, [](double x) { return std::nearbyint(x); }))),
  };
}

}  // namespace

std::vector<OpDefinition> unary_table() {
  std::vector<OpDefinition> ops = {
      with_gradient(float_unary("Sqrt", {1, 6, 13}, [](double x) { return std::sqrt(x); }), sqrt_gradient),
      with_gradient(float_unary("Exp", {1, 6, 13}, [](double x) { return std::exp(x); }), exp_gradient),
      with_gradient(float_unary("Log", {1, 6, 13}, [](double x) { return std::log(x); }), log_gradient),
      with_gradient(float_unary("Reciprocal", {1, 6, 13}, [](double x) { return 1 / x; }),
                    reciprocal_gradient),
      float_unary("Erf", {9, 13}, [](double x) { return std::erf(x); }),
      quantizable(float_unary("Sigmoid", {1, 6, 13}, sigmoid)),
      float_unary("Softplus", {1, 22}, softplus),
      float_unary("Softsign", {1, 22}, [](double x) { return x / (1 + std::fabs(x)); }),
      float_unary("HardSwish", {14, 22}, hard_swish),
      float_unary("Mish", {18, 22}, [](double x) { return x * std::tanh(softplus(x)); }),
      is_nan_op(),
  };
  append(ops, exact_ops());
  append(ops, trigonometric_ops());
  return ops;
}

}  // namespace edgeopt
