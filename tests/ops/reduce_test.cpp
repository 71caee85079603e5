// Reductions, softmax and normalizations where ONNX's node cases do not look.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/error.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

TEST_CASE("axes are an attribute before and an input since the opset that moved them") {
  const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const std::vector<std::int64_t> last = {-1};
  const OneNode by_attribute{"ReduceMean", {{"axes", last}, {"keepdims", 0}}, 13};
  const OneNode by_input{"ReduceMean", {{"keepdims", 0}}, 18};
  CHECK(run_floats(by_attribute, {x}) == std::vector<double>{2, 5});
  CHECK(run_floats(by_input, {x, int64_tensor(last)}) == std::vector<double>{2, 5});
}

TEST_CASE("without axes everything is reduced, or nothing if asked") {
  const Tensor x = Tensor::of<float>({1, 3}, {1, 2, 3});
  CHECK(run_op({"ReduceSum"}, {x})[0].dims() == Dims{1, 1});
  CHECK(run_op({"ReduceSum", {{"noop_with_empty_axes", 1}}}, {x})[0] == x);
}

TEST_CASE("NaN wins in ReduceMax and is found by ArgMax") {
  const Tensor x = floats({1, not_a_number, 3});
  CHECK(std::isnan(run_floats({"ReduceMax"}, {x})[0]));
  CHECK(to_int64s(run_op({"ArgMax"}, {x})[0])[0] == 1);
}

TEST_CASE("LogSumExp neither overflows nor loses infinity") {
  CHECK(run_floats({"ReduceLogSumExp"}, {floats({1000, 1000})})[0] == doctest::Approx(1000 + std::log(2.0)));
  CHECK(run_floats({"ReduceLogSumExp"}, {floats({-infinity, -infinity})})[0] == -infinity);
}

TEST_CASE("an axis given twice is refused") {
  const std::vector<std::int64_t> twice = {0, -1};
  CHECK_THROWS_AS(run_op({"ReduceSum"}, {floats({1}), int64_tensor(twice)}), UserError);
}

TEST_CASE("before opset 13 Softmax runs over all dims from its axis on") {
  const Tensor x(DataType::float32, {1, 2, 2});
  CHECK(run_floats({"Softmax", {}, 11}, {x})[0] == 0.25);
  CHECK(run_floats({"Softmax", {}, 13}, {x})[0] == 0.5);
}

TEST_CASE("Softmax of large numbers does not overflow") {
  CHECK(run_floats({"Softmax"}, {floats({1e30F, -1e30F})}) == std::vector<double>{1, 0});
}

TEST_CASE("of equal elements TopK takes the first") {
  const Tensors top = run_op({.op_type = "TopK", .output_count = 2},
                             {floats({1, 3, 3, 2}), int64_tensor(std::vector<std::int64_t>{2})});
  CHECK(to_doubles(top[0]) == std::vector<double>{3, 3});
  CHECK(to_int64s(top[1]) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("GroupNormalization scales groups in opset 18 and channels in opset 21") {
  const Tensor x = Tensor::of<float>({1, 2, 2}, {0, 2, 0, 2});  // per group: mean 1, deviation 1
  const Attributes attributes = {{"num_groups", 1}, {"epsilon", 0.0F}};
  CHECK(run_floats({"GroupNormalization", attributes, 18}, {x, floats({2}), floats({1})}) ==
        std::vector<double>{-1, 3, -1, 3});
  CHECK(run_floats({"GroupNormalization", attributes, 21}, {x, floats({1, 2}), floats({0, 1})}) ==
        std::vector<double>{-1, 1, -1, 3});
}

TEST_CASE("integer sums and products wrap around") {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Tensor x = int64_tensor(std::vector{most, std::int64_t{1}});
  CHECK(to_int64s(run_op({"ReduceSum"}, {x})[0])[0] == std::numeric_limits<std::int64_t>::min());
}

}  // namespace
}  // namespace edgeopt
