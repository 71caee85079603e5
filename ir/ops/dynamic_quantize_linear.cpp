// scale = (max(x, 0) - min(x, 0)) / 255, zero_point = saturate(round(0 - min / scale)),
// y = saturate(round(x / scale) + zero_point), all uint8, ties to even.
#include <algorithm>
#include <cmath>

#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

constexpr float level_count = 255;

// What is no number is 0.
std::uint8_t to_level(float x) {
  return std::isnan(x) ? std::uint8_t{0} : static_cast<std::uint8_t>(std::clamp(x, 0.0F, level_count));
}

Tensors evaluate(const EvaluateCall& call) {
  require_element_type(call.inputs[0], DataType::float32);
  const std::span<const float> x = call.inputs[0].data<float>();
  float low = 0;
  float high = 0;
  for (const float element : x) {
    low = std::min(low, element);
    high = std::max(high, element);
  }
  // All zeros: any scale will do, 1 divides without a NaN.
  const float scale = high == low ? 1 : (high - low) / level_count;
  const std::uint8_t zero_point = to_level(std::nearbyint(-low / scale));
  Tensor y(DataType::uint8, call.inputs[0].dims());
  for (std::size_t i = 0; i < x.size(); ++i)
    y.mutable_data<std::uint8_t>()[i] = to_level(std::nearbyint(x[i] / scale) + zero_point);
  return {y, Tensor::scalar(scale), Tensor::scalar(zero_point)};
}

std::vector<Operand> infer(const InferCall& call) {
  return {operand(DataType::uint8, call.inputs[0].type.shape), operand(DataType::float32, Shape{}),
          operand(DataType::uint8, Shape{})};
}

}  // namespace

OpDefinition dynamic_quantize_linear_op() {
  return {
      .name = "DynamicQuantizeLinear",
      .versions = {11},
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(5),
  };
}

}  // namespace edgeopt
