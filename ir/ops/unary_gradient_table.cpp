// dx[i] = dy[i] * f'(x[i]): <operator>Gradient(dy, x) with the operator's attributes, in training graphs.
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

using FloatFunction = std::function<double(double)>;
/// Reads the attributes once.
using MakeFunction = FloatFunction (*)(const Attributes&);

Tensors evaluate(const EvaluateCall& call, const FloatFunction& slope) {
  require_dims_of_result(call.inputs[0], call.inputs[1].dims());
  return {combine_elements<void>(FloatTypes{}, call.inputs[0], call.inputs[1], [&](auto dy, auto x) {
    return static_cast<double>(dy) * slope(static_cast<double>(x));
  })};
}

OpDefinition gradient_of(const std::string& op_type, MakeFunction make) {
  return {
      .name = op_type + "Gradient",
      .domain = training_domain,
      .required_inputs = 2,
      .infer = infer_gradient_like_x,
      .evaluate = [make](const EvaluateCall& call) { return evaluate(call, make(call.attributes())); },
      .count_cost = operations_per_output(2),
      .is_elementwise = true,
  };
}

template <double (*f)(double)>
FloatFunction plain(const Attributes&) {
  return f;
}

double square(double x) { return x * x; }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

double sigmoid_slope(double x) { return sigmoid(x) * sigmoid(-x); }
double softsign_slope(double x) { return 1 / square(1 + std::fabs(x)); }
double hard_swish_slope(double x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5; }
double erf_slope(double x) { return M_2_SQRTPI * std::exp(-x * x); }
double mish_slope(double x) {
  const double t = std::tanh(softplus(x));
  return t + x * (1 - t * t) * sigmoid(x);
}

double sin_slope(double x) { return std::cos(x); }
double cos_slope(double x) { return -std::sin(x); }
double tan_slope(double x) { return 1 + square(std::tan(x)); }
double asin_slope(double x) { return 1 / std::sqrt(1 - x * x); }
double acos_slope(double x) { return -asin_slope(x); }
double atan_slope(double x) { return 1 / (1 + x * x); }
double sinh_slope(double x) { return std::cosh(x); }
double cosh_slope(double x) { return std::sinh(x); }
double tanh_slope(double x) { return 1 - square(std::tanh(x)); }
double asinh_slope(double x) { return 1 / std::sqrt(x * x + 1); }
double acosh_slope(double x) { return 1 / std::sqrt(x * x - 1); }
double atanh_slope(double x) { return 1 / (1 - x * x); }

FloatFunction leaky_relu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 0.01F);
  return [=](double x) { return x < 0 ? alpha : 1; };
}

FloatFunction elu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return x < 0 ? alpha * std::exp(x) : 1; };
}

FloatFunction selu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1.67326319217681884765625F);
  const double gamma = attributes.get_float("gamma", 1.05070102214813232421875F);
  return [=](double x) { return gamma * (x > 0 ? 1 : alpha * std::exp(x)); };
}

FloatFunction celu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return x > 0 ? 1 : std::exp(x / alpha); };
}

FloatFunction thresholded_relu(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return x <= alpha ? 0 : 1; };
}

FloatFunction hard_sigmoid(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 0.2F);
  const double beta = attributes.get_float("beta", 0.5F);
  return [=](double x) {
    const double y = alpha * x + beta;
    return y < 0 || y > 1 ? 0 : alpha;
  };
}

// With the normal density and distribution function: d(x * Phi(x)) = Phi(x) + x * phi(x).
double gelu_slope(double x) {
  return 0.5 * (1 + std::erf(x * M_SQRT1_2)) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
}

double tanh_gelu_slope(double x) {
  const double scale = std::sqrt(2 / M_PI);
  const double t = std::tanh(scale * (x + 0.044715 * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * scale * (1 + 3 * 0.044715 * x * x);
}

FloatFunction gelu(const Attributes& attributes) {
  return attributes.get_string("approximate", "none") == "tanh" ? tanh_gelu_slope : gelu_slope;
}

FloatFunction swish(const Attributes& attributes) {
  const double alpha = attributes.get_float("alpha", 1);
  return [=](double x) { return sigmoid(alpha * x) * (1 + alpha * x * sigmoid(-alpha * x)); };
}

FloatFunction shrink(const Attributes& attributes) {
  const double lambda = attributes.get_float("lambd", 0.5F);
  return [=](double x) { return std::fabs(x) > lambda ? 1 : 0; };
}

}  // namespace

std::vector<OpDefinition> unary_gradient_table() {
  return {
      gradient_of("Sigmoid", plain<sigmoid_slope>),
      gradient_of("Softplus", plain<sigmoid>),
      gradient_of("Softsign", plain<softsign_slope>),
      gradient_of("HardSwish", plain<hard_swish_slope>),
      gradient_of("Mish", plain<mish_slope>),
      gradient_of("Erf", plain<erf_slope>),
      gradient_of("Sin", plain<sin_slope>),
      gradient_of("Cos", plain<cos_slope>),
      gradient_of("Tan", plain<tan_slope>),
      gradient_of("Asin", plain<asin_slope>),
      gradient_of("Acos", plain<acos_slope>),
      gradient_of("Atan", plain<atan_slope>),
      gradient_of("Sinh", plain<sinh_slope>),
      gradient_of("Cosh", plain<cosh_slope>),
      gradient_of("Tanh", plain<tanh_slope>),
      gradient_of("Asinh", plain<asinh_slope>),
      gradient_of("Acosh", plain<acosh_slope>),
      gradient_of("Atanh", plain<atanh_slope>),
      gradient_of("LeakyRelu", leaky_relu),
      gradient_of("Elu", elu),
      gradient_of("Selu", selu),
      gradient_of("Celu", celu),
      gradient_of("ThresholdedRelu", thresholded_relu),
      gradient_of("HardSigmoid", hard_sigmoid),
      gradient_of("Gelu", gelu),
      gradient_of("Swish", swish),
      gradient_of("Shrink", shrink),
  };
}

}  // namespace edgeopt
