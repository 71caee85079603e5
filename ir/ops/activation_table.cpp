// y[i] = f(x[i]) with the attributes of the node, in floating point.
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

using FloatFunction = std::function<double(double)>;
/// Reads the attributes once, then maps elements.
using MakeFunction = FloatFunction (*)(const Attributes&);

OpDefinition activation(std::string name, std::vector<int> versions, MakeFunction make) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .infer = same_shape_as_input,
      .evaluate =
          [make](const EvaluateCall& call) {
            return Tensors{map_floats(call.inputs[0], make(call.attributes()))};
          },
      .count_cost = operations_per_output(1),
      .gradient = own_gradient_operator(),
      .is_elementwise = true,
  };
}

FloatFunction leaky_relu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 0.01F);
  return [=](double x) { return x < 0 ? alpha * x : x; };
}

FloatFunction elu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return x < 0 ? alpha * std::expm1(x) : x; };
}

FloatFunction selu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1.67326319217681884765625F);
  const double gamma = attributes.get_float("gamma", 1.05070102214813232421875F);
  return [=](double x) { return gamma * (x > 0 ? x : alpha * std::expm1(x)); };
}

FloatFunction celu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return x > 0 ? x : alpha * std::expm1(x / alpha); };
}

FloatFunction thresholded_relu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return x <= alpha ? 0 : x; };
}

FloatFunction hard_sigmoid(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 0.2F);
  const double beta = attributes.get_float("beta", 0.5F);
  return [=](double x) {
    const double y = alpha * x + beta;
    return y < 0 ? 0 : y > 1 ? 1 : y;
  };
}

FloatFunction gelu(const Attributes& attributes) {
  if (attributes.get_string("approximate", "none") == "tanh")
    return
        [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); };
  return [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); };
}

FloatFunction swish(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return x / (1 + std::exp(-alpha * x)); };
}

FloatFunction shrink(const Attributes& attributes) {
  const double lambda = attributes.get_float("lambd", 0.5F);
  const double bias = attributes.get_float("bias", 0);
  return [=](double x) { return x < -lambda ? x + bias : x > lambda ? x - bias : 0; };
}

// Shrink is the one that takes integers too.
OpDefinition shrink_definition() {
  OpDefinition op = activation("Shrink", {9}, shrink);
  op.evaluate = [](const EvaluateCall& call) {
    const FloatFunction f = shrink(call.attributes());
    return Tensors{
        map_elements(NumberTypes{}, call.inputs[0], [&](auto x) { return f(static_cast<double>(x)); })};
  };
  return op;
}

OpDefinition leaky_relu_definition() {
  OpDefinition op = activation("LeakyRelu", {1, 6, 16}, leaky_relu);
  op.quantization.role = QuantizationRole::computes;
  op.is_homogeneous = true;
  return op;
}

bool is_wanted_infinity(const Attributes& attributes, double x) {
  return std::isinf(x) && attributes.get_int(x > 0 ? "detect_positive" : "detect_negative", 1) != 0;
}

OpDefinition is_inf_definition() {
  OpDefinition op = activation("IsInf", {10, 20}, nullptr);
  op.gradient = {};
  op.infer = [](const InferCall& call) {
    return std::vector<Operand>{operand(DataType::boolean, call.inputs[0].type.shape)};
  };
  op.evaluate = [](const EvaluateCall& call) {
    Tensor y(DataType::boolean, call.inputs[0].dims());
    const std::vector<double> x = to_doubles(call.inputs[0]);
    for (std::size_t i = 0; i < x.size(); ++i)
      y.mutable_data<bool>()[i] = is_wanted_infinity(call.attributes(), x[i]);
    return Tensors{y};
  };
  return op;
}

}  // namespace

std::vector<OpDefinition> activation_table() {
  return {
      leaky_relu_definition(),
      activation("Elu", {1, 6, 22}, elu),
      activation("Selu", {1, 6, 22}, selu),
      activation("Celu", {12}, celu),
      activation("ThresholdedRelu", {10, 22}, thresholded_relu),
      activation("HardSigmoid", {1, 6, 22}, hard_sigmoid),
      activation("Gelu", {20}, gelu),
      activation("Swish", {24}, swish),
      shrink_definition(),
      is_inf_definition(),
  };
}

}  // namespace edgeopt
