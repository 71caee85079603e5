// Reductions, sums along axes, softmax and normalizations.
#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

using Axes = std::vector<std::int64_t>;

// The axes are an input of ReduceSum since opset 13, of the others since 18.
void add_reductions(std::vector<GradientCase>& cases, const std::string& op) {
  const GradientInput x = learned({2, 3, 4}, 0.5, 2);
  const std::vector<int> with_input = op == "ReduceSum" ? std::vector<int>{13, 21} : std::vector<int>{18, 21};
  cases.push_back({op, {x}});
  cases.push_back({op, {x}, {{"keepdims", 0}}});
  cases.push_back({op, {x, fixed_ints({1})}, {}, with_input});
  cases.push_back({op, {x, fixed_ints({-1, 0})}, {{"keepdims", 0}}, with_input});
  cases.push_back({op, {x}, {{"noop_with_empty_axes", 1}}, with_input});
  cases.push_back({op, {x, fixed_ints({})}, {{"keepdims", 0}}, with_input});
  if (op == "ReduceSum") return;
  cases.push_back({op, {x}, {{"axes", Axes{0, -1}}}, {13, 17}});
  cases.push_back({op, {x}, {{"axes", Axes{1}}, {"keepdims", 0}}, {13, 17}});
}

std::vector<GradientCase> softmaxes() {
  std::vector<GradientCase> cases;
  for (const char* op : {"Softmax", "LogSoftmax"}) {
    cases.push_back({op, {learned({3, 5}, -3, 3)}});
    cases.push_back({op, {learned({2, 3, 4}, -3, 3)}, {{"axis", 1}}});
    cases.push_back({op, {learned({2, 3, 4}, -3, 3)}, {{"axis", -3}}});
  }
  return cases;
}

std::vector<GradientCase> normalizations() {
  const GradientInput x = learned({2, 4, 3}), mean = learned({4}), variance = learned({4}, 0.5, 2);
  const GradientInput scale = learned({4}, 0.5, 2), bias = learned({4});
  const GradientInput per_group = learned({2}, 0.5, 2);
  return {
      {"BatchNormalization", {x, scale, bias, mean, variance}},
      {"BatchNormalization", {learned({5, 4}), scale, bias, mean, variance}, {{"epsilon", 0.1F}}},
      {"BatchNormalization", {x, scale, bias, mean, variance}, {{"training_mode", 1}}, {14, 21}},
      {"BatchNormalization",
       {learned({2, 4, 2, 3}), scale, bias, mean, variance},
       {{"training_mode", 1}, {"epsilon", 0.01F}},
       {15},
       3},
      {"LayerNormalization", {x, learned({3}, 0.5, 2), learned({3})}, {}, {17, 21}},
      {"LayerNormalization", {x, learned({3}, 0.5, 2)}, {}, {17}},
      {"LayerNormalization", {x, learned({4, 3}, 0.5, 2), learned({4, 3})}, {{"axis", 1}}, {17}},
      {"LayerNormalization",
       {x, learned({3}, 0.5, 2), learned({1})},
       {{"axis", -2}, {"epsilon", 0.1F}},
       {17}},
      {"InstanceNormalization", {x, scale, bias}, {{"epsilon", 0.01F}}},
      {"InstanceNormalization", {learned({2, 4, 2, 2}), scale, bias}},
      {"GroupNormalization", {x, scale, bias}, {{"num_groups", 2}}, {21}},
      {"GroupNormalization", {learned({2, 4, 2, 2}), per_group, learned({2})}, {{"num_groups", 2}}, {18}},
  };
}

std::vector<GradientCase> normalizations_without_parameters() {
  const GradientInput x = learned({2, 4, 3});
  std::vector<GradientCase> cases = {
      {"MeanVarianceNormalization", {learned({2, 3, 2, 2})}, {}, {13, 18}},
      {"MeanVarianceNormalization", {x}, {{"axes", Axes{0, 2}}}, {13, 18}},
      {"RMSNormalization", {x, learned({3}, 0.5, 2)}, {}, {23}},
      {"RMSNormalization", {x, learned({4, 3}, 0.5, 2)}, {{"axis", 1}, {"epsilon", 0.1F}}, {23}},
      {"RMSNormalization", {x, learned({1})}, {{"axis", -2}}, {23}},
      {"LRN", {learned({2, 5, 3})}, {{"size", 3}, {"alpha", 0.5F}}},
      {"LRN", {learned({1, 4, 2, 2})}, {{"size", 4}, {"alpha", 2.0F}, {"beta", 0.5F}, {"bias", 2.0F}}},
  };
  for (const int p : {1, 2}) {
    cases.push_back({"LpNormalization", {x}, {{"p", p}}, {13, 22}});
    cases.push_back({"LpNormalization", {x}, {{"p", p}, {"axis", 1}}});
  }
  return cases;
}

std::vector<GradientCase> sums_along() {
  return {
      {"CumSum", {learned({2, 4}), fixed(Tensor::scalar<std::int64_t>(1))}, {}, {14}},
      {"CumSum", {learned({2, 4}), fixed(Tensor::scalar<std::int64_t>(-2))}, {{"reverse", 1}}, {14}},
      {"CumSum", {learned({2, 4}), fixed(Tensor::scalar<std::int64_t>(1))}, {{"exclusive", 1}}, {14}},
  };
}

// Lines of three with no, one, two and three zeros.
const std::vector<double> some_zeros = {0.5, -2, 1.5, 0, 3, -0.5, 0, 2, 0, 0, 0, 0};

std::vector<GradientCase> products() {
  const GradientInput zeros = learned({4, 3}, some_zeros);
  std::vector<GradientCase> cases = {
      {"ReduceProd", {zeros, fixed_ints({1})}, {}, {18, 21}},
      {"ReduceProd", {zeros, fixed_ints({-2})}, {{"keepdims", 0}}, {18}},
      {"ReduceProd", {zeros}, {{"axes", Axes{1}}, {"keepdims", 0}}, {13, 17}},
      {"ReduceProd", {learned({3}, {2, 0, -3})}, {{"keepdims", 0}}},
      {"ReduceProd", {learned({2, 2}, {2, 0, -3, 0})}},
      {"ReduceProd", {learned({2, 3}, -2, 0)}},
  };
  for (const int is_reverse : {0, 1})
    for (const int is_exclusive : {0, 1}) {
      const Attributes attributes = {{"reverse", is_reverse}, {"exclusive", is_exclusive}};
      for (const std::int64_t axis : {1, -2}) {
        const GradientInput along = fixed(Tensor::scalar<std::int64_t>(axis));
        cases.push_back({"CumProd", {zeros, along}, attributes, {26}});
        cases.push_back({"CumProd", {learned({2, 4, 2}, 0.5, 2), along}, attributes, {26}});
      }
    }
  return cases;
}

// Of one, two and three rows; singular ones of rank 2, 1 and 0 too.
std::vector<GradientCase> determinants() {
  return {
      {"Det", {learned({3, 3})}, {}, {13, 22}},
      {"Det", {learned({2, 3, 2, 2})}},
      {"Det", {learned({2, 1, 1})}},
      {"Det", {learned({4, 4})}},
      {"Det", {learned({3, 3}, {1, 2, 3, 4, 5, 6, 5, 7, 9})}},
      {"Det", {learned({3, 3}, {1, 2, 3, 2, 4, 6, -1, -2, -3})}},
      {"Det", {learned({2, 2}, {0, 0, 0, 0})}},
  };
}

}  // namespace

std::vector<GradientCase> reduction_gradient_cases() {
  std::vector<GradientCase> cases;
  for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
                         "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "ReduceProd"})
    add_reductions(cases, op);
  for (auto* more :
       {softmaxes, normalizations, normalizations_without_parameters, sums_along, products, determinants})
    for (GradientCase& each : more()) cases.push_back(std::move(each));
  return cases;
}

}  // namespace edgeopt
