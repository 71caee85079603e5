// What ONNX's node cases do not ask: NaN, infinity, wrap-around, empty tensors, contradictions.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/error.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

TEST_CASE("NaN passes through activations, clips and extremes") {
  for (const char* op : {"Relu", "LeakyRelu", "Elu", "Sigmoid", "HardSigmoid", "Softplus", "Gelu", "Sign"}) {
    CAPTURE(op);
    CHECK(std::isnan(run_floats({op}, {floats({not_a_number})})[0]));
  }
  const Tensor zero = Tensor::scalar(0.0F);
  const Tensor one = Tensor::scalar(1.0F);
  CHECK(std::isnan(run_floats({"Clip"}, {floats({not_a_number}), zero, one})[0]));
  CHECK(std::isnan(run_floats({"Max"}, {floats({not_a_number}), floats({1})})[0]));
  CHECK(std::isnan(run_floats({"Min"}, {floats({1}), floats({not_a_number})})[0]));
}

TEST_CASE("saturating activations reach their limits at infinity") {
  CHECK(run_floats({"Sigmoid"}, {floats({-infinity, infinity})}) == std::vector<double>{0, 1});
  CHECK(run_floats({"Softplus"}, {floats({-infinity, 1000})}) == std::vector<double>{0, 1000});
  CHECK(run_floats({"Elu"}, {floats({-infinity})})[0] == -1);
}

TEST_CASE("a lower bound above the upper one gives the upper one") {
  CHECK(run_floats({"Clip"}, {floats({0}), Tensor::scalar(2.0F), Tensor::scalar(1.0F)})[0] == 1);
}

TEST_CASE("the bounds of Clip are attributes below opset 11") {
  CHECK(run_floats({"Clip", {{"min", -1.0F}, {"max", 6.0F}}, 6}, {floats({-3, 3, 9})}) ==
        std::vector<double>{-1, 3, 6});
}

TEST_CASE("integer arithmetic wraps around") {
  const auto most = Tensor::scalar(std::numeric_limits<std::int32_t>::max());
  const auto least = Tensor::scalar(std::numeric_limits<std::int32_t>::min());
  const auto minus_one = Tensor::scalar<std::int32_t>(-1);
  CHECK(run_op({"Sub"}, {most, minus_one})[0] == least);
  CHECK(run_op({"Add"}, {least, minus_one})[0] == most);
  CHECK(run_op({"Div"}, {least, minus_one})[0] == least);
  CHECK(run_op({"Neg"}, {least})[0] == least);
  CHECK(run_op({"Abs"}, {least})[0] == least);
}

TEST_CASE("integer division truncates, and by zero is refused") {
  const auto divided = [](std::int32_t a, std::int32_t b) {
    return to_int64s(run_op({"Div"}, {Tensor::scalar(a), Tensor::scalar(b)})[0])[0];
  };
  CHECK(divided(-7, 2) == -3);
  CHECK_THROWS_AS(divided(1, 0), UserError);
}

TEST_CASE("Mod has the sign of the divisor, with fmod that of the dividend") {
  const Tensors inputs = {Tensor::scalar<std::int32_t>(-7), Tensor::scalar<std::int32_t>(3)};
  CHECK(to_int64s(run_op({"Mod"}, inputs)[0])[0] == 2);
  CHECK(to_int64s(run_op({"Mod", {{"fmod", 1}}}, inputs)[0])[0] == -1);
}

TEST_CASE("Round takes halves to the even neighbour") {
  CHECK(run_floats({"Round"}, {floats({0.5F, 1.5F, 2.5F, -0.5F, -1.5F})}) ==
        std::vector<double>{0, 2, 2, 0, -2});
}

TEST_CASE("bfloat16 is computed in float32 and rounded once") {
  const Tensor x = cast(floats({256, 1}), DataType::bfloat16);
  const Tensor y = cast(floats({1, 0.00390625F}), DataType::bfloat16);
  CHECK(run_floats({"Add"}, {x, y}) == std::vector<double>{256, 1});
}

TEST_CASE("a tensor without elements stays one") {
  const Tensor empty(DataType::float32, {0, 3});
  CHECK(run_op({"Add"}, {empty, floats({1, 2, 3})})[0].dims() == Dims{0, 3});
  CHECK(run_op({"Exp"}, {empty})[0].dims() == Dims{0, 3});
}

TEST_CASE("inputs that contradict the operator are the user's error") {
  CHECK_THROWS_AS(run_op({"Add"}, {floats({1, 2}), floats({1, 2, 3})}), UserError);
  CHECK_THROWS_AS(run_op({"Add"}, {floats({1}), Tensor::scalar<std::int32_t>(1)}), UserError);
  CHECK_THROWS_AS(run_op({"Add"}, {floats({1})}), UserError);
}

TEST_CASE("before opset 7 the second input lies along an axis of the first") {
  const Tensor x = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  const OneNode add{"Add", {{"broadcast", 1}, {"axis", 0}}, 6};
  CHECK(run_floats(add, {x, floats({10, 20})}) == std::vector<double>{11, 12, 23, 24});
}

TEST_CASE("an exponent of another type leaves the type of the base") {
  const Tensor power =
      run_op({"Pow"}, {Tensor::scalar<std::int32_t>(-3), Tensor::scalar<std::int64_t>(3)})[0];
  CHECK(power.dtype() == DataType::int32);
  CHECK(to_int64s(power)[0] == -27);
}

}  // namespace
}  // namespace edgeopt
