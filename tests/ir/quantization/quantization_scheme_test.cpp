#include "ir/quantization/quantization_scheme.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr QuantizationScheme unsigned_8 = {.type = DataType::uint8, .bits = 8};
constexpr QuantizationScheme signed_8 = {.type = DataType::int8, .bits = 8};
constexpr QuantizationScheme symmetric_8 = {.type = DataType::int8, .bits = 8, .is_symmetric = true};
constexpr QuantizationScheme symmetric_uint8 = {.type = DataType::uint8, .bits = 8, .is_symmetric = true};
constexpr QuantizationScheme symmetric_7 = {.type = DataType::int8, .bits = 7, .is_symmetric = true};

TEST_CASE("scheme: integers of each kind") {
  CHECK(unsigned_8.lowest() == 0);
  CHECK(unsigned_8.highest() == 255);
  CHECK(signed_8.lowest() == -128);
  CHECK(signed_8.highest() == 127);
  CHECK(symmetric_8.lowest() == -127);
  CHECK(symmetric_8.highest() == 127);
  CHECK(symmetric_7.lowest() == -63);
  CHECK(symmetric_7.highest() == 63);
}

TEST_CASE("parameters: scale and zero point of ranges worked by hand") {
  CHECK(parameters_for({0, 255}, unsigned_8) == QuantizationParameters{.scale = 1, .zero_point = 0});
  CHECK(parameters_for({-128, 127}, unsigned_8) == QuantizationParameters{.scale = 1, .zero_point = 128});
  CHECK(parameters_for({-255, 0}, unsigned_8) == QuantizationParameters{.scale = 1, .zero_point = 255});
  CHECK(parameters_for({-128, 127}, signed_8) == QuantizationParameters{.scale = 1, .zero_point = 0});
  CHECK(parameters_for({0, 255}, signed_8) == QuantizationParameters{.scale = 1, .zero_point = -128});
  CHECK(parameters_for({-254, 10}, symmetric_8) == QuantizationParameters{.scale = 2, .zero_point = 0});
  CHECK(parameters_for({-128, 254}, symmetric_uint8) ==
        QuantizationParameters{.scale = 2, .zero_point = 128});
}

TEST_CASE("parameters: a range without 0 is widened to it, and 0 is an integer") {
  CHECK(parameters_for({100, 255}, unsigned_8) == parameters_for({0, 255}, unsigned_8));
  CHECK(parameters_for({-255, -100}, unsigned_8) == parameters_for({-255, 0}, unsigned_8));
  for (const double max : {0.001, 0.7, 3.3, 1e6}) {
    const QuantizationParameters parameters = parameters_for({-0.31, max}, unsigned_8);
    CHECK(dequantize(quantize(0.0f, parameters, unsigned_8), parameters) == 0.0f);
  }
}

TEST_CASE("parameters: the scale is the largest float that keeps the range inside an activation's bound") {
  for (const double bound : {6.0, 1.0, 0.1, 3.0, 20.0}) {
    const float scale = parameters_for({0, bound}, unsigned_8).scale;
    CHECK(static_cast<double>(scale) * 255 <= bound);
    CHECK(static_cast<double>(std::nextafter(scale, 1e9f)) * 255 > bound);
  }
}

TEST_CASE("parameters: an empty range gets the scale 1 and the neutral zero point") {
  CHECK(parameters_for({0, 0}, unsigned_8) == QuantizationParameters{.scale = 1, .zero_point = 0});
  CHECK(parameters_for({0, 0}, symmetric_8) == QuantizationParameters{.scale = 1, .zero_point = 0});
  CHECK(parameters_for({0, 0}, symmetric_uint8) == QuantizationParameters{.scale = 1, .zero_point = 128});
  CHECK(parameters_for({0, 1e-40}, unsigned_8).scale == 1);
}

TEST_CASE("parameters: a range that is not finite is refused") {
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(parameters_for({0, infinite}, unsigned_8), UserError);
  CHECK_THROWS_AS(parameters_for({-infinite, 0}, unsigned_8), UserError);
  CHECK_THROWS_AS(parameters_for({std::nan(""), 1}, unsigned_8), UserError);
}

TEST_CASE("quantize: halves go to the even integer") {
  const QuantizationParameters parameters = {.scale = 2, .zero_point = 10};
  CHECK(quantize(1, parameters, unsigned_8) == 10);
  CHECK(quantize(3, parameters, unsigned_8) == 12);
  CHECK(quantize(5, parameters, unsigned_8) == 12);
  CHECK(quantize(-1, parameters, unsigned_8) == 10);
  CHECK(quantize(-3, parameters, unsigned_8) == 8);
}

TEST_CASE("quantize: what lies outside saturates, and NaN is the zero point") {
  const QuantizationParameters parameters = {.scale = 1, .zero_point = 5};
  const float infinite = std::numeric_limits<float>::infinity();
  CHECK(quantize(1000, parameters, unsigned_8) == 255);
  CHECK(quantize(-1000, parameters, unsigned_8) == 0);
  CHECK(quantize(infinite, parameters, unsigned_8) == 255);
  CHECK(quantize(-infinite, parameters, unsigned_8) == 0);
  CHECK(quantize(std::nanf(""), parameters, unsigned_8) == 5);
  CHECK(quantize(-128, {.scale = 1}, symmetric_8) == -127);
}

TEST_CASE("weights: the largest of each channel becomes the largest integer") {
  const Tensor weight = Tensor::of<float>({2, 3}, {127, -63.5, 0, 2, -254, 254});
  const QuantizedWeight rows = quantize_weight(weight, 0, symmetric_8);
  CHECK(rows.scales == Tensor::of<float>({2}, {1, 2}));
  CHECK(rows.integers == Tensor::of<std::int8_t>({2, 3}, {127, -64, 0, 1, -127, 127}));
  const QuantizedWeight columns = quantize_weight(weight, 1, symmetric_8);
  CHECK(columns.scales == Tensor::of<float>({3}, {1, 2, 2}));
  CHECK(columns.integers == Tensor::of<std::int8_t>({2, 3}, {127, -32, 0, 2, -127, 127}));
}

TEST_CASE("weights: one scale for all channels is a scalar") {
  const QuantizedWeight all = quantize_weight(Tensor::of<float>({2, 1}, {127, -254}), -1, symmetric_8);
  CHECK(all.scales == Tensor::scalar(2.0f));
  CHECK(all.integers == Tensor::of<std::int8_t>({2, 1}, {64, -127}));
}

TEST_CASE("weights: channels of zeros get the scale 1, and least scales are kept") {
  const Tensor weight = Tensor::of<float>({3, 1}, {0, 127, 127});
  const std::vector<float> least = {0, 0.5, 4};
  const QuantizedWeight result = quantize_weight(weight, 0, symmetric_8, least);
  CHECK(result.scales == Tensor::of<float>({3}, {1, 1, 4}));
  CHECK(result.integers == Tensor::of<std::int8_t>({3, 1}, {0, 127, 32}));
}

TEST_CASE("weights: an empty tensor stays empty") {
  const QuantizedWeight result = quantize_weight(Tensor(DataType::float32, {2, 0}), 0, symmetric_8);
  CHECK(result.integers.dims() == Dims{2, 0});
  CHECK(result.scales == Tensor::of<float>({2}, {1, 1}));
}

TEST_CASE("bias: rounded at its scales and saturated at 32 bits") {
  const Tensor bias = Tensor::of<float>({3}, {2.5, -3, 3e10f});
  const std::vector<float> scales = {1, 2, 1};
  CHECK(quantize_bias(bias, scales) == Tensor::of<std::int32_t>({3}, {2, -2, 2147483647}));
  const std::vector<float> one = {0.5f};
  CHECK(quantize_bias(Tensor::of<float>({2}, {1, -1}), one) == Tensor::of<std::int32_t>({2}, {2, -2}));
}

}  // namespace
}  // namespace edgeopt
