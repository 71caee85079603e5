#include "ir/quantization/weight_scales.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/error.h"
#include "support/random.h"

namespace edgeopt {
namespace {

constexpr QuantizationScheme symmetric_8 = {.type = DataType::int8, .bits = 8, .is_symmetric = true};
constexpr QuantizationScheme symmetric_4 = {.type = DataType::int4, .bits = 4, .is_symmetric = true};

double squared_error(const Tensor& weight, const QuantizedWeight& quantized) {
  const std::vector<double> integers = to_doubles(quantized.integers);
  double sum = 0;
  for (std::size_t i = 0; i < integers.size(); ++i) {
    const auto scale = static_cast<double>(quantized.scales.data<float>()[0]);
    const double error = static_cast<double>(weight.data<float>()[i]) - scale * integers[i];
    sum += error * error;
  }
  return sum;
}

TEST_CASE("weight scales: with 8 bits the largest magnitude becomes the largest integer") {
  const Tensor weight = Tensor::of<float>({2, 2}, {127, -3, 0, 254});
  CHECK(weight_scales(weight, 0, symmetric_8) == std::vector<float>{1, 2});
  CHECK(weight_scales(weight, -1, symmetric_8) == std::vector<float>{2});
}

TEST_CASE("weight scales: with 4 bits, weights on a grid keep it, the lowest integer included") {
  const Tensor weight = Tensor::of<float>({1, 5}, {7, -7, 3, 1, -2});
  CHECK(weight_scales(weight, 0, symmetric_4) == std::vector<float>{1});
  CHECK(symmetric_4.lowest() == -8);
}

TEST_CASE("weight scales: with 4 bits, an outlier is cut where that leaves less error") {
  RandomStream random(1, "weights");
  std::vector<float> elements;
  for (int i = 0; i < 1000; ++i) elements.push_back(static_cast<float>(random.normal()));
  elements.push_back(6);
  const Tensor weight = Tensor::of<float>({1, 1001}, elements);
  const float chosen = weight_scales(weight, 0, symmetric_4)[0];
  const std::vector<float> covering = {6.0f / 7};
  CHECK(chosen < covering[0]);
  CHECK(squared_error(weight, quantize_weight(weight, 0, symmetric_4)) <
        0.7 * squared_error(weight, quantize_weight_at(weight, 0, symmetric_4, covering)));
}

TEST_CASE("weight scales: a channel of zeros gets 0, and scale 1 when it is quantized") {
  const Tensor weight(DataType::float32, {1, 3});
  CHECK(weight_scales(weight, 0, symmetric_4) == std::vector<float>{0});
  CHECK(quantize_weight(weight, 0, symmetric_4).scales.data<float>()[0] == 1);
}

TEST_CASE("quantize_weight_at: multiples of the scale survive exactly") {
  const float scale = 0.1f / 3;
  std::vector<float> elements;
  for (int integer = -8; integer <= 7; ++integer) elements.push_back(static_cast<float>(integer) * scale);
  const Tensor weight = Tensor::of<float>({1, 16}, elements);
  const QuantizedWeight result = quantize_weight_at(weight, 0, symmetric_4, std::vector<float>{scale});
  for (std::size_t i = 0; i < elements.size(); ++i)
    CHECK(dequantize(static_cast<std::int32_t>(to_int64s(result.integers)[i]), {.scale = scale}) ==
          elements[i]);
}

TEST_CASE("quantize_weight_at: refuses scales that do not fit") {
  const Tensor weight = Tensor::of<float>({2, 1}, {1, 2});
  CHECK_THROWS_AS(quantize_weight_at(weight, 0, symmetric_8, std::vector<float>{1}), UserError);
  CHECK_THROWS_AS(quantize_weight_at(weight, 0, symmetric_8, std::vector<float>{1, 0}), UserError);
  CHECK_THROWS_AS(quantize_weight_at(weight, 0, symmetric_8, std::vector<float>{1, std::nanf("")}),
                  UserError);
}

TEST_CASE("store_integers: two 4-bit integers share a byte, the first in its low half") {
  const Tensor packed = store_integers({-8, 7, 1}, {3}, DataType::int4);
  REQUIRE(packed.bytes().size() == 2);
  CHECK(packed.bytes()[0] == std::byte{0x78});
  CHECK(packed.bytes()[1] == std::byte{0x01});
}

}  // namespace
}  // namespace edgeopt
