// The loss by hand, and that random directions at the outputs measure it.
#include "recipes/output_loss.h"

#include <doctest/doctest.h>

#include <cmath>

#include "ir/infer.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

SampleSource one_sample(const Tensor& input) {
  return {.count = 1, .read = [input](std::int64_t) { return Sample{.inputs = {input}}; }};
}

OutputLoss loss_of(const std::string& text, const Tensor& input) {
  return OutputLoss(with_inferred_types(graph_from_text(text)), one_sample(input), 1);
}

const std::string scores = "g (float[1,3] x) => (float[1,3] y) { y = Relu(x) }";
const std::string image = "g (float[1,1,1,2] x) => (float[1,1,1,2] y) { y = Relu(x) }";

std::string compared_in(const std::string& text) {
  const Graph graph = with_inferred_types(graph_from_text(text));
  const OutputLoss loss(graph,
                        one_sample(Tensor(DataType::float32, *graph.static_dims_of(graph.inputs()[0]))), 1);
  return graph.name_of(loss.compared_values(graph).at(0));
}

double mean_square_along(const OutputLoss& loss, const Tensor& teacher, const Tensor& step) {
  RandomStream random(1, "output loss test");
  constexpr int draw_count = 20000;
  double sum = 0;
  for (int draw = 0; draw < draw_count; ++draw) {
    const Tensor r = loss.direction({teacher}, random)[0];
    double moved = 0;
    for (std::size_t i = 0; i < r.data<float>().size(); ++i)
      moved += static_cast<double>(r.data<float>()[i]) * static_cast<double>(step.data<float>()[i]);
    sum += moved * moved;
  }
  return sum / draw_count;
}

// 20000 draws of a square whose standard deviation is at most twice its mean: 5 standard errors are 7 %.
constexpr double draw_tolerance = 0.07;

TEST_CASE("output loss: scores of classes are compared by the divergence of their softmax") {
  const OutputLoss loss =
      loss_of("g (float[1,2] x) => (float[1,2] y) { y = Relu(x) }", Tensor::of<float>({1, 2}, {0, 0}));
  const Tensor teacher = Tensor::of<float>({1, 2}, {0, 0});
  const Tensor student = Tensor::of<float>({1, 2}, {std::log(3.0f), 0});
  // 0.5 ln(0.5 / 0.75) + 0.5 ln(0.5 / 0.25)
  CHECK(loss.loss({teacher}, {student}) == doctest::Approx(0.5 * std::log(4.0 / 3.0)));
  CHECK(loss.loss({teacher}, {teacher}) == 0);
}

TEST_CASE("output loss: other outputs are compared by squared error over energy") {
  const OutputLoss loss = loss_of(image, Tensor::of<float>({1, 1, 1, 2}, {3, 4}));
  const Tensor teacher = Tensor::of<float>({1, 1, 1, 2}, {3, 4});
  CHECK(loss.loss({teacher}, {Tensor::of<float>({1, 1, 1, 2}, {3, 5})}) == doctest::Approx(1.0 / 25));
}

TEST_CASE("output loss: what is not finite is infinitely far") {
  const OutputLoss loss = loss_of(scores, Tensor::of<float>({1, 3}, {1, 2, 3}));
  const Tensor teacher = Tensor::of<float>({1, 3}, {1, 2, 3});
  CHECK(std::isinf(loss.loss({teacher}, {Tensor::of<float>({1, 3}, {1, NAN, 3})})));
}

TEST_CASE("output loss: the scores in front of a last Softmax are compared") {
  CHECK(compared_in("g (float[1,3] x) => (float[1,3] y) { z = Relu(x)  y = Softmax(z) }") == "z");
  CHECK(compared_in(R"(g (float[1,3,1,1] x) => (float[1,3] y)
    { z = Relu(x)  s = Softmax<axis = 1>(z)  y = Flatten(s) })") == "z");
}

TEST_CASE("output loss: left alone when the Softmax is over no classes") {
  CHECK(compared_in("g (float[1,3,1,1] x) => (float[1,3,1,1] y) { z = Relu(x)  y = Softmax<axis = 2>(z) }") ==
        "y");
  CHECK(compared_in("g (float[1,1,1,2] x) => (float[1,1,1,2] y) { z = Relu(x)  y = Softmax(z) }") == "y");
}

TEST_CASE("output loss: random directions measure the divergence of small steps") {
  const OutputLoss loss = loss_of(scores, Tensor::of<float>({1, 3}, {1, 2, 3}));
  const Tensor teacher = Tensor::of<float>({1, 3}, {2, 0.5f, 1});
  const Tensor step = Tensor::of<float>({1, 3}, {0.01f, -0.02f, 0.005f});
  const double expected = loss.loss({teacher}, {Tensor::of<float>({1, 3}, {2.01f, 0.48f, 1.005f})});
  CHECK(mean_square_along(loss, teacher, step) == doctest::Approx(expected).epsilon(draw_tolerance));
}

TEST_CASE("output loss: random directions measure the squared error") {
  const OutputLoss loss = loss_of(image, Tensor::of<float>({1, 1, 1, 2}, {3, 4}));
  const Tensor teacher = Tensor::of<float>({1, 1, 1, 2}, {3, 4});
  const double expected = loss.loss({teacher}, {Tensor::of<float>({1, 1, 1, 2}, {3.5f, 4.25f})});
  const Tensor step = Tensor::of<float>({1, 1, 1, 2}, {0.5f, 0.25f});
  CHECK(mean_square_along(loss, teacher, step) == doctest::Approx(expected).epsilon(draw_tolerance));
}

TEST_CASE("output loss: a model without float outputs is an error") {
  CHECK_THROWS_AS(
      loss_of("g (int64[1,3] x) => (int64[1,3] y) { y = Add(x, x) }", Tensor(DataType::int64, {1, 3})),
      UserError);
}

}  // namespace
}  // namespace edgeopt
