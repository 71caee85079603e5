#include "ir/rules/recurrent_activations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "support/error.h"

namespace edgeopt {
namespace {

using Formula = double (*)(double x, double alpha, double beta);

// f(x, alpha, beta) and its derivative by x, with the defaults of the ONNX spec. Those without parameters
// take none from the lists.
struct Row {
  std::string_view name;
  int parameters;  // how many of alpha, beta it takes
  double alpha, beta;
  Formula value, slope;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double tanh_slope(double x) { return 1 - std::tanh(x) * std::tanh(x); }

constexpr std::array rows = {
    Row{"relu", 0, 0, 0, [](double x, double, double) { return std::max(x, 0.0); },
        [](double x, double, double) { return x > 0 ? 1.0 : 0.0; }},
    Row{"tanh", 0, 0, 0, [](double x, double, double) { return std::tanh(x); },
        [](double x, double, double) { return tanh_slope(x); }},
    Row{"sigmoid", 0, 0, 0, [](double x, double, double) { return sigmoid(x); },
        [](double x, double, double) { return sigmoid(x) * sigmoid(-x); }},
    Row{"softsign", 0, 0, 0, [](double x, double, double) { return x / (1 + std::abs(x)); },
        [](double x, double, double) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); }},
    Row{"softplus", 0, 0, 0, [](double x, double, double) { return std::log1p(std::exp(x)); },
        [](double x, double, double) { return sigmoid(x); }},
    Row{"leakyrelu", 1, 0.01, 0, [](double x, double alpha, double) { return x < 0 ? alpha * x : x; },
        [](double x, double alpha, double) { return x < 0 ? alpha : 1.0; }},
    Row{"thresholdedrelu", 1, 1, 0, [](double x, double alpha, double) { return x >= alpha ? x : 0.0; },
        [](double x, double alpha, double) { return x >= alpha ? 1.0 : 0.0; }},
    Row{"elu", 1, 1, 0, [](double x, double alpha, double) { return x < 0 ? alpha * std::expm1(x) : x; },
        [](double x, double alpha, double) { return x < 0 ? alpha * std::exp(x) : 1.0; }},
    Row{"affine", 2, 1, 0, [](double x, double alpha, double beta) { return alpha * x + beta; },
        [](double, double alpha, double) { return alpha; }},
    Row{"scaledtanh", 2, 1, 1,
        [](double x, double alpha, double beta) { return alpha * std::tanh(beta * x); },
        [](double x, double alpha, double beta) { return alpha * beta * tanh_slope(beta * x); }},
    Row{"hardsigmoid", 2, 0.2, 0.5,
        [](double x, double alpha, double beta) { return std::clamp(alpha * x + beta, 0.0, 1.0); },
        [](double x, double alpha, double beta) {
          return alpha * x + beta > 0 && alpha * x + beta < 1 ? alpha : 0.0;
        }},
};

const Row& row_named(const std::string& name) {
  std::string lower;
  for (const char letter : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  for (const Row& row : rows)
    if (row.name == lower) return row;
  throw UserError(fmt::format("activation '{}' is not one that ONNX defines", name));
}

// The lists hold one number for every activation that takes one, in order.
double next(std::vector<float>& list, double otherwise) {
  if (list.empty()) return otherwise;
  const double value = list.front();
  list.erase(list.begin());
  return value;
}

}  // namespace

std::vector<Activation> activations_of(const Attributes& attributes,
                                       const std::vector<std::string>& otherwise, std::size_t directions) {
  std::vector<std::string> names;
  if (const auto* given = attributes.get<std::vector<std::string>>("activations")) names = *given;
  while (names.size() < otherwise.size() * directions)
    names.push_back(otherwise[names.size() % otherwise.size()]);
  std::vector<float> alphas = attributes.get_floats("activation_alpha");
  std::vector<float> betas = attributes.get_floats("activation_beta");
  std::vector<Activation> activations;
  for (const std::string& name : names) {
    const Row& row = row_named(name);
    const double alpha = row.parameters > 0 ? next(alphas, row.alpha) : 0;
    const double beta = row.parameters > 1 ? next(betas, row.beta) : 0;
    const auto bound = [alpha, beta](Formula f) {
      return [f, alpha, beta](double x) { return f(x, alpha, beta); };
    };
    activations.push_back({.value = bound(row.value), .slope = bound(row.slope)});
  }
  return activations;
}

}  // namespace edgeopt
