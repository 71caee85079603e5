// y[i] = f(x[i], ...): functions, activations, arithmetic with broadcasting.
#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

void append(std::vector<GradientCase>& cases, std::vector<GradientCase> more) {
  for (GradientCase& each : more) cases.push_back(std::move(each));
}

std::vector<GradientCase> functions() {
  std::vector<GradientCase> cases;
  for (const char* op : {"Sin",  "Cos",   "Tan",   "Asin", "Acos",  "Atan",    "Sinh",     "Cosh",
                         "Tanh", "Asinh", "Atanh", "Exp",  "Erf",   "Sigmoid", "Softplus", "Softsign",
                         "Neg",  "Abs",   "Sign",  "Ceil", "Floor", "Round",   "Relu",     "Identity"})
    cases.push_back({op, {learned({3, 4}, -0.95, 0.95)}});
  for (const char* op : {"Log", "Sqrt", "Reciprocal", "Acosh"})
    cases.push_back({op, {learned({3, 4}, 1.1, 3)}});
  cases.push_back({"Reciprocal", {learned({5}, -2, -1)}});
  for (const char* op : {"Abs", "Relu", "Sigmoid", "Tanh", "Softplus"})
    cases.push_back({op, {learned({12}, -5, 5)}});
  return cases;
}

std::vector<GradientCase> activations() {
  const GradientInput wide = learned({4, 5}, -5, 5);
  std::vector<GradientCase> cases;
  for (const char* op : {"LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "HardSigmoid", "Shrink"})
    cases.push_back({op, {wide}});
  cases.push_back({"HardSwish", {wide}, {}, {14, 21}});
  cases.push_back({"Mish", {wide}, {}, {18, 21}});
  cases.push_back({"Gelu", {wide}, {}, {20, 21}});
  cases.push_back({"Gelu", {wide}, {{"approximate", "tanh"}}, {20}});
  cases.push_back({"Swish", {wide}, {}, {24}});
  cases.push_back({"Swish", {wide}, {{"alpha", 1.7F}}, {24}});
  cases.push_back({"LeakyRelu", {wide}, {{"alpha", 0.3F}}});
  cases.push_back({"Elu", {wide}, {{"alpha", 0.7F}}});
  cases.push_back({"Selu", {wide}, {{"alpha", 1.2F}, {"gamma", 0.8F}}});
  cases.push_back({"Celu", {wide}, {{"alpha", 2.0F}}});
  cases.push_back({"ThresholdedRelu", {wide}, {{"alpha", 2.0F}}});
  cases.push_back({"HardSigmoid", {wide}, {{"alpha", 0.25F}, {"beta", 0.6F}}});
  cases.push_back({"Shrink", {wide}, {{"lambd", 1.5F}, {"bias", 0.5F}}});
  return cases;
}

std::vector<GradientCase> arithmetic() {
  std::vector<GradientCase> cases;
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean"}) {
    const auto positive = [](Dims dims) { return learned(std::move(dims), 0.5, 2); };
    cases.push_back({op, {positive({2, 3}), positive({2, 3})}});
    cases.push_back({op, {positive({2, 3, 4}), positive({3, 1})}});
    cases.push_back({op, {positive({4}), positive({2, 1, 4})}});
    cases.push_back({op, {positive({2, 1}), positive({1, 3})}});
    cases.push_back({op, {positive({2, 3}), positive({})}});
  }
  for (const char* op : {"Min", "Max", "Sum", "Mean"}) {
    cases.push_back({op, {learned({2, 3})}});
    cases.push_back({op, {learned({2, 3}), learned({3}), learned({2, 1})}});
  }
  cases.push_back({"Mul", {learned({2, 3}), fixed(Tensor::of<double>({3}, {2, -1, 3}))}});
  cases.push_back({"Div", {learned({2, 3}), fixed(Tensor::scalar(-4.0))}});
  cases.push_back({"Mod", {learned({2, 3}, -5, 5), learned({3}, 0.7, 1.3)}, {{"fmod", 1}}});
  return cases;
}

std::vector<GradientCase> powers() {
  const GradientInput positive = learned({2, 3}, 0.5, 2);
  return {
      {"Pow", {positive, learned({2, 3}, -2, 2)}},
      {"Pow", {positive, learned({3}, -2, 2)}},
      {"Pow", {learned({3}, 0.5, 2), learned({2, 1}, -2, 2)}},
      {"Pow", {learned({4}), fixed(Tensor::scalar(2.0))}},
      {"Pow", {learned({4}), fixed(Tensor::scalar(3.0))}},
      {"Pow", {positive, fixed(Tensor::scalar(0.5))}},
      {"Pow", {learned({4}), fixed_ints({3})}},
  };
}

std::vector<GradientCase> choices() {
  const GradientInput condition =
      fixed(cast(Tensor::of<float>({2, 3}, {1, 0, 1, 0, 0, 1}), DataType::boolean));
  const GradientInput low = fixed(Tensor::scalar(-0.4)), high = fixed(Tensor::scalar(0.6));
  return {
      {"Where", {condition, learned({2, 3}), learned({2, 3})}},
      {"Where", {condition, learned({3}), learned({2, 1})}},
      {"Where", {condition, learned({}), fixed(Tensor::scalar(1.0))}},
      {"Clip", {learned({10}), low, high}},
      {"Clip", {learned({10}), low}},
      {"Clip", {learned({10}), left_out(), high}},
      {"Clip", {learned({10})}},
      {"Clip", {learned({2, 10}), learned({}, -0.6, -0.4), learned({}, 0.4, 0.6)}},
      {"PRelu", {learned({2, 3, 4}), learned({3, 1})}},
      {"PRelu", {learned({2, 3}), learned({2, 3})}},
      {"PRelu", {learned({2, 3}), learned({1})}},
      {"Dropout", {learned({2, 3})}},
      {"Dropout", {learned({2, 3}), fixed(Tensor::scalar(0.5F)), fixed(Tensor::scalar(false))}},
      {"Cast", {learned({2, 3})}, {{"to", static_cast<std::int64_t>(DataType::float64)}}},
      {"CastLike", {learned({2, 3}), learned({1})}, {}, {15, 21}},
  };
}

}  // namespace

std::vector<GradientCase> elementwise_gradient_cases() {
  std::vector<GradientCase> cases = functions();
  append(cases, activations());
  append(cases, arithmetic());
  append(cases, powers());
  append(cases, choices());
  return cases;
}

}  // namespace edgeopt
