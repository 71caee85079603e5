#include "tests/ir/gradient/gradient_cases.h"

#include <utility>

namespace edgeopt {

GradientInput learned(Dims dims, double low, double high) {
  return {.dims = std::move(dims), .low = low, .high = high};
}

GradientInput learned(Dims dims, const std::vector<double>& elements) {
  return {.dims = dims, .constant = Tensor::of<double>(dims, elements)};
}

GradientInput fixed(Tensor constant) { return {.is_learned = false, .constant = std::move(constant)}; }

GradientInput fixed_ints(const std::vector<std::int64_t>& elements) { return fixed(int64_tensor(elements)); }

GradientInput left_out() { return {.is_learned = false}; }

std::vector<GradientCase> gradient_cases() {
  std::vector<GradientCase> all;
  for (auto* cases : {elementwise_gradient_cases, reduction_gradient_cases, layer_gradient_cases,
                      movement_gradient_cases, recurrent_gradient_cases, sampling_gradient_cases})
    for (GradientCase& each : cases()) all.push_back(std::move(each));
  return all;
}

}  // namespace edgeopt
