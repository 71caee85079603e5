// y = saturate(round(x / scale) + zero_point) and back, numbers worked by hand.
#include <doctest/doctest.h>

#include <limits>

#include "support/error.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

TEST_CASE("quantizing rounds halves to even and saturates") {
  const Tensor x = floats({1, 3, 5, -1, 1000, -1000});
  const Tensor y = run_op({"QuantizeLinear"}, {x, Tensor::scalar(2.0F), Tensor::scalar<std::int8_t>(1)})[0];
  CHECK(to_int64s(y) == std::vector<std::int64_t>{1, 3, 3, 1, 127, -128});
}

TEST_CASE("infinity saturates and NaN becomes the zero point") {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor x = floats({infinity, -infinity, std::numeric_limits<float>::quiet_NaN()});
  const Tensor y = run_op({"QuantizeLinear"}, {x, Tensor::scalar(1.0F), Tensor::scalar<std::uint8_t>(7)})[0];
  CHECK(to_int64s(y) == std::vector<std::int64_t>{255, 0, 7});
}

TEST_CASE("without a zero point the type is uint8, or the one asked for") {
  const Tensors inputs = {floats({-3}), Tensor::scalar(1.0F)};
  CHECK(run_op({"QuantizeLinear"}, inputs)[0].dtype() == DataType::uint8);
  const Attributes asked = {{"output_dtype", static_cast<int>(DataType::int4)}};
  CHECK(to_int64s(run_op({"QuantizeLinear", asked}, inputs)[0])[0] == -3);
}

TEST_CASE("scales lie along the axis, or block by block") {
  const Tensor x = from_int64s(DataType::int8, {2, 4}, {1, 1, 1, 1, 2, 2, 2, 2});
  CHECK(run_floats({"DequantizeLinear", {{"axis", 0}}}, {x, floats({10, 100})}) ==
        std::vector<double>{10, 10, 10, 10, 200, 200, 200, 200});
  const Tensor blocks = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  CHECK(run_floats({"DequantizeLinear", {{"axis", 1}, {"block_size", 2}}}, {x, blocks}) ==
        std::vector<double>{1, 1, 2, 2, 6, 6, 8, 8});
}

TEST_CASE("a scale that fits no layout is refused") {
  const Tensor x = from_int64s(DataType::int8, {2, 4}, {1, 1, 1, 1, 2, 2, 2, 2});
  CHECK_THROWS_AS(run_op({"DequantizeLinear", {{"axis", 0}}}, {x, floats({1, 2, 3})}), UserError);
}

TEST_CASE("a zero point unlike the scale is refused") {
  const Tensor x = from_int64s(DataType::int8, {2}, {1, 1});
  const Tensor zero_points = from_int64s(DataType::int8, {1}, {0});
  CHECK_THROWS_AS(run_op({"DequantizeLinear", {{"axis", 0}}}, {x, floats({1, 2}), zero_points}), UserError);
}

}  // namespace
}  // namespace edgeopt
