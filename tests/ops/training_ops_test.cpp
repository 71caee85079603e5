// The operators of training graphs: gradients of convolutions, pools and gates, and quantization in floats.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "ir/quantization/fake_quantize.h"
#include "support/error.h"
#include "support/random.h"
#include "tests/ops/one_node.h"

namespace edgeopt {
namespace {

using Ints = std::vector<std::int64_t>;

OneNode training_op(std::string op_type, Attributes attributes = {}, int output_count = 1) {
  return {.op_type = std::move(op_type),
          .attributes = std::move(attributes),
          .output_count = output_count,
          .domain = "edgeopt"};
}

Tensor random_doubles(const Dims& dims, const char* name) {
  RandomStream random(1, name);
  Tensor tensor(DataType::float64, dims);
  for (double& element : tensor.mutable_data<double>()) element = random.normal();
  return tensor;
}

double dot(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = to_doubles(a), y = to_doubles(b);
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

struct ConvShape {
  Dims x, w;
  Attributes attributes = {};
};

std::vector<ConvShape> conv_shapes() {
  return {{{2, 3, 7, 6}, {4, 3, 3, 2}},
          {{1, 4, 9, 9}, {6, 2, 3, 3}, {{"group", 2}, {"strides", Ints{2, 1}}, {"pads", Ints{0, 1, 1, 2}}}},
          {{2, 5, 8, 8}, {5, 1, 3, 3}, {{"group", 5}, {"auto_pad", "SAME_UPPER"}, {"strides", Ints{2, 2}}}},
          {{1, 2, 11}, {3, 2, 4}, {{"dilations", Ints{2}}}},
          {{1, 2, 4, 5, 4}, {2, 2, 2, 3, 2}, {{"pads", Ints{1, 0, 1, 0, 1, 0}}}}};
}

}  // namespace

// The convolution is linear in x and in w, so <dy, conv(x, w)> = <dx, x> = <dw, w> for every dy.
TEST_CASE("the gradients of a convolution are its adjoints") {
  for (const ConvShape& shape : conv_shapes()) {
    const Tensor x = random_doubles(shape.x, "x"), w = random_doubles(shape.w, "w");
    const Tensor y = run_op({"Conv", shape.attributes}, {x, w})[0];
    const Tensor dy = random_doubles(y.dims(), "dy");
    const Tensor dx = run_op(training_op("ConvInputGradient", shape.attributes), {dy, w, x})[0];
    const Tensor dw = run_op(training_op("ConvWeightGradient", shape.attributes), {dy, x, w})[0];
    REQUIRE(dx.dims() == x.dims());
    REQUIRE(dw.dims() == w.dims());
    CHECK(dot(dx, x) == doctest::Approx(dot(dy, y)).epsilon(1e-12));
    CHECK(dot(dw, w) == doctest::Approx(dot(dy, y)).epsilon(1e-12));
  }
}

TEST_CASE("the gradient of a convolution puts every product where it came from") {
  const Tensor x = Tensor::of<float>({1, 1, 3}, {1, 2, 3});
  const Tensor w = Tensor::of<float>({1, 1, 2}, {10, 20});
  const Tensor dy = Tensor::of<float>({1, 1, 2}, {1, 100});
  CHECK(run_floats(training_op("ConvInputGradient"), {dy, w, x}) == std::vector<double>{10, 1020, 2000});
  CHECK(run_floats(training_op("ConvWeightGradient"), {dy, x, w}) == std::vector<double>{201, 302});
}

TEST_CASE("a gradient that does not have the shape of the convolution's result is refused") {
  const Tensor x(DataType::float32, {1, 1, 3}), w(DataType::float32, {1, 1, 2});
  CHECK_THROWS_AS(run_op(training_op("ConvInputGradient"), {x, w, x}), UserError);
}

TEST_CASE("of equal elements in a window the first takes the gradient of MaxPool") {
  const Tensor x = Tensor::of<float>({1, 1, 4}, {1, 5, 5, 2});
  const Tensor dy = Tensor::of<float>({1, 1, 3}, {1, 10, 100});
  CHECK(run_floats(training_op("MaxPoolGradient", {{"kernel_shape", Ints{2}}}), {dy, x}) ==
        std::vector<double>{0, 11, 100, 0});
}

TEST_CASE("the gradient of AveragePool is its adjoint, whatever padding counts") {
  for (const int counts : {0, 1})
    for (const int ceil : {0, 1}) {
      const Attributes attributes = {{"kernel_shape", Ints{3, 2}},
                                     {"strides", Ints{2, 2}},
                                     {"pads", Ints{1, 0, 1, 1}},
                                     {"ceil_mode", ceil},
                                     {"count_include_pad", counts}};
      const Tensor x = random_doubles({2, 3, 6, 7}, "x");
      const Tensor y = run_op({"AveragePool", attributes}, {x})[0];
      const Tensor dy = random_doubles(y.dims(), "dy");
      const Tensor dx = run_op(training_op("AveragePoolGradient", attributes), {dy, x})[0];
      CHECK(dot(dx, x) == doctest::Approx(dot(dy, y)).epsilon(1e-12));
    }
}

TEST_CASE("SumTo sums along the axes of broadcasting and keeps the dims of its model") {
  const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto sums = [&](Dims dims) {
    return run_op(training_op("SumTo"), {x, Tensor(DataType::float32, dims)})[0];
  };
  CHECK(sums({3}) == Tensor::of<float>({3}, {5, 7, 9}));
  CHECK(sums({2, 1}) == Tensor::of<float>({2, 1}, {6, 15}));
  CHECK(sums({}) == Tensor::of<float>({}, {21}));
  CHECK(sums({2, 3}) == x);
  CHECK_THROWS_AS(sums({2}), UserError);
}

TEST_CASE("Relu passes a gradient above zero, Clip within its bounds") {
  const Tensor x = floats({-1, 0, 1, 2}), dy = floats({1, 10, 100, 1000});
  CHECK(run_floats(training_op("ReluGradient"), {dy, x}) == std::vector<double>{0, 0, 100, 1000});
  CHECK(run_floats(training_op("ClipGradient"), {dy, x, Tensor::scalar(0.0F), Tensor::scalar(1.0F)}) ==
        std::vector<double>{0, 10, 100, 0});
  CHECK(run_floats(training_op("ClipGradient"), {dy, x, Tensor::scalar(1.0F)}) ==
        std::vector<double>{0, 0, 100, 1000});
}

TEST_CASE("FakeQuantize rounds ties to even and stops at the ends of the range") {
  const OneNode op = training_op("FakeQuantize", {{"low", -2}, {"high", 3}});
  const Tensors inputs = {floats({-9, -1.5F, -0.25F, 0.25F, 0.75F, 9}), Tensor::scalar(0.5F),
                          Tensor::scalar(1.0F)};
  CHECK(run_floats(op, inputs) == std::vector<double>{-1.5, -1.5, 0, 0, 1, 1});
}

TEST_CASE("FakeQuantize has one scale per channel where an axis is given") {
  const OneNode op = training_op("FakeQuantize", {{"low", -8}, {"high", 7}, {"axis", 0}});
  const Tensor x = Tensor::of<float>({2, 2}, {1.2F, -1.2F, 1.2F, 100});
  CHECK(to_doubles(run_op(op, {x, floats({1, 2}), floats({0, 0})})[0]) == std::vector<double>{1, -1, 2, 14});
}

// Esser et al., ICLR 2020, equation 3, worked by hand for scale 2, range [-1, 2], zero point 0.
TEST_CASE("the gradient of FakeQuantize is that of learned step sizes") {
  const OneNode op = training_op("FakeQuantizeGradient", {{"low", -1}, {"high", 2}}, 3);
  const Tensor x = floats({1.5F, -9, 9}), dy = floats({1, 10, 100});
  const Tensors got = run_op(op, {dy, x, Tensor::scalar(2.0F), Tensor::scalar(0.0F)});
  CHECK(to_doubles(got[0]) == std::vector<double>{1, 0, 0});
  CHECK(to_double(got[1]) == 0.25 - 10 + 200);
  CHECK(to_double(got[2]) == -2 * 110);
}

TEST_CASE(
    "dropped elements inside the range stay as they are and leave the scale alone; others are clipped") {
  const Attributes attributes = {{"low", -1}, {"high", 1}, {"drop_probability", 1.0F}};
  const Tensors parameters = {Tensor::scalar(1.0F), Tensor::scalar(0.0F), Tensor::scalar<std::int64_t>(7)};
  const Tensor x = floats({0.3F, 50}), dy = floats({2, 3});
  CHECK(run_op(training_op("FakeQuantize", attributes),
               {x, parameters[0], parameters[1], parameters[2]})[0] == floats({0.3F, 1}));
  const Tensors got = run_op(training_op("FakeQuantizeGradient", attributes, 3),
                             {dy, x, parameters[0], parameters[1], parameters[2]});
  CHECK(got[0] == floats({2, 0}));
  CHECK(to_double(got[1]) == 3);
  CHECK(to_double(got[2]) == -3);
}

// 10000 draws at p = 0.3: the share's deviation is sqrt(0.21 / 10000) = 0.0046; five of them.
TEST_CASE("as many elements are dropped as the probability says, others with another seed") {
  const std::uint64_t streams[] = {drop_stream(1), drop_stream(2)};
  int dropped[2] = {}, both = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const bool first = drop_number(streams[0], i) < 0.3F, second = drop_number(streams[1], i) < 0.3F;
    dropped[0] += first;
    dropped[1] += second;
    both += first && second;
  }
  for (const int count : dropped) CHECK(std::abs(count - 3000) < 230);
  CHECK(std::abs(both - 900) < 145);
}

TEST_CASE("without a seed nothing is dropped, and without a range nothing is quantized") {
  const Tensors inputs = {floats({0.3F}), Tensor::scalar(1.0F), Tensor::scalar(0.0F)};
  CHECK(run_floats(training_op("FakeQuantize", {{"low", -1}, {"high", 1}, {"drop_probability", 1.0F}}),
                   inputs) == std::vector<double>{0});
  CHECK_THROWS_AS(run_op(training_op("FakeQuantize"), inputs), UserError);
}

}  // namespace edgeopt
