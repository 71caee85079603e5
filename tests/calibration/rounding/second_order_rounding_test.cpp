#include "calibration/rounding/second_order_rounding.h"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "calibration/rounding/feedback_rounding.h"
#include "calibration/rounding/input_moments.h"
#include "calibration/rounding/layer_rounding.h"
#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/infer.h"
#include "support/parallel.h"
#include "support/random.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

constexpr QuantizationScheme symmetric_8 = {.type = DataType::int8, .bits = 8, .is_symmetric = true};
constexpr QuantizationScheme symmetric_4 = {.type = DataType::int4, .bits = 4, .is_symmetric = true};

double error_of(const std::vector<double>& products, const std::vector<double>& weights,
                const std::vector<std::int32_t>& integers) {
  const std::size_t n = weights.size();
  double error = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      error += (weights[i] - integers[i]) * products[i * n + j] * (weights[j] - integers[j]);
  return error;
}

TEST_CASE("feedback rounding: inputs that have nothing to do with each other are rounded to nearest") {
  const HessianRoot root({4, 0, 0, 0, 1, 0, 0, 0, 9}, 3);
  std::vector<std::int32_t> integers(3);
  root.round(std::vector<double>{0.4, 1.6, -2.2}, std::vector<float>(3, 1), symmetric_8, integers);
  CHECK(integers == std::vector<std::int32_t>{0, 2, -2});
}

TEST_CASE("feedback rounding: of two equal inputs the second makes up for the first") {
  // 0.4 + 0.4 = 0.8 is nearer to 0 + 1 than to 0 + 0.
  const HessianRoot root({1, 1, 1, 1}, 2);
  std::vector<std::int32_t> integers(2);
  root.round(std::vector<double>{0.4, 0.4}, std::vector<float>(2, 1), symmetric_8, integers);
  CHECK(integers == std::vector<std::int32_t>{0, 1});
}

TEST_CASE("feedback rounding: every column has its own scale") {
  const HessianRoot root({1, 0, 0, 1}, 2);
  std::vector<std::int32_t> integers(2);
  root.round(std::vector<double>{3, 3}, std::vector<float>{1, 0.5}, symmetric_8, integers);
  CHECK(integers == std::vector<std::int32_t>{3, 6});
}

TEST_CASE("feedback rounding: a weight that is exactly 0 stays 0, whatever it could make up for") {
  const HessianRoot root({1, 1, 1, 1, 1, 1, 1, 1, 1}, 3);
  std::vector<std::int32_t> integers(3);
  root.round(std::vector<double>{0.4, 0, 0.4}, std::vector<float>(3, 1), symmetric_8, integers);
  CHECK(integers == std::vector<std::int32_t>{0, 0, 1});
}

TEST_CASE("feedback rounding: without inputs every weight is rounded to nearest, and integers saturate") {
  const HessianRoot root({0, 0, 0, 0}, 2);
  std::vector<std::int32_t> integers(2);
  root.round(std::vector<double>{100, -100}, std::vector<float>(2, 1), symmetric_4, integers);
  CHECK(integers == std::vector<std::int32_t>{7, -8});
}

TEST_CASE("feedback rounding: gives less error than nearest on correlated inputs, and says how much") {
  constexpr std::size_t n = 24;
  RandomStream random(1, "correlated inputs");
  std::vector<double> products(n * n, 0.0);
  for (int row = 0; row < 200; ++row) {
    const double common = random.normal();
    std::vector<double> x;
    for (std::size_t i = 0; i < n; ++i) x.push_back(common + 0.5 * random.normal());
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) products[i * n + j] += x[i] * x[j];
  }
  std::vector<double> weights;
  std::vector<std::int32_t> nearest;
  for (std::size_t i = 0; i < n; ++i) {
    weights.push_back(3 * random.normal());
    nearest.push_back(static_cast<std::int32_t>(std::nearbyint(weights.back())));
  }
  std::vector<std::int32_t> integers(n);
  const double told =
      HessianRoot(products, n).round(weights, std::vector<float>(n, 1), symmetric_8, integers);
  const double error = error_of(products, weights, integers);
  CHECK(error < 0.5 * error_of(products, weights, nearest));
  // The damping adds 1 % of the mean diagonal for each of 24 differences of at most about 1.
  CHECK(told >= error);
  CHECK(told <= error + 0.01 * (products[0] + products[n * n - 1]) * n);
}

TEST_CASE("input products: every window of a Conv is a row, padding is 0") {
  const Graph graph = graph_from_text(
      "g (float[1,1,3] x) => (float[1,1,3] y) <float[1,1,3] w = {1, 1, 1}> { y = Conv<pads = [1, 1]>(x, w) "
      "}");
  const Node& node = graph.node(graph.nodes()[0]);
  const WeightMatrix matrix = weight_matrix(node, {1, 1, 3}).value();
  InputRows rows(node, matrix, {1, 1, 3}, 1);
  rows.take(0, Tensor::of<float>({1, 1, 3}, {1, 2, 3}), 1);
  // rows (0 1 2), (1 2 3), (2 3 0)
  CHECK(rows.products({.count = 3}) == std::vector<double>{5, 8, 3, 8, 14, 8, 3, 8, 13});
  CHECK(rows.products({.first = 1, .count = 2}) == std::vector<double>{14, 8, 8, 13});
}

TEST_CASE("input products: every vector of a MatMul is a row") {
  const Graph graph =
      graph_from_text("g (float[2,2] x) => (float[2,1] y) <float[2,1] w = {1, 1}> { y = MatMul(x, w) }");
  const Node& node = graph.node(graph.nodes()[0]);
  InputRows rows(node, weight_matrix(node, {2, 1}).value(), {2, 1}, 1);
  rows.take(0, Tensor::of<float>({2, 2}, {0.5, 1, 1.5, -1}), 0.5);
  CHECK(rows.products({.count = 2}) == std::vector<double>{10, -4, -4, 8});
}

// 64 rows of a MatMul with two columns, as integers.
InputRows rows_of(const Node& node, const std::vector<std::pair<float, float>>& rows) {
  InputRows result(node, weight_matrix(node, {2, 1}).value(), {2, 1}, 1);
  std::vector<float> elements;
  for (const auto& [a, b] : rows) elements.insert(elements.end(), {a, b});
  result.take(0, Tensor::of<float>({std::ssize(rows), 2}, elements), 1);
  return result;
}

Graph two_columns() {
  return graph_from_text("g (float[64,2] x) => (float[64,1] y) <float[2,1] w = {1, 1}> { y = MatMul(x, w) }");
}

// What layers before may have done to the second column.
InputMoments moments_of(const Graph& graph, float factor, float offset, bool is_centred) {
  RandomStream random(1, "rows");
  std::vector<std::pair<float, float>> teacher, student;
  for (int i = 0; i < 64; ++i) {
    const float a = static_cast<float>(random.below(200)) - 100,
                b = static_cast<float>(random.below(200)) - 100;
    teacher.emplace_back(a, b);
    student.emplace_back(a, std::nearbyint(factor * b + offset));
  }
  const Node& node = graph.node(graph.nodes()[0]);
  return input_moments(rows_of(node, student), rows_of(node, teacher), 1, {.count = 2}, is_centred);
}

TEST_CASE("input moments: equal inputs ask for no change of weights") {
  const InputMoments moments = moments_of(two_columns(), 1, 0, true);
  CHECK(moments.drift.cwiseAbs().maxCoeff() < 1e-12);
  CHECK(moments.means == moments.teacher_means);
}

TEST_CASE("input moments: the weight of an input that came out too small grows, others stay") {
  // Towards doubling it, and not beyond: the ridge holds it back.
  const InputMoments moments = moments_of(two_columns(), 0.5f, 0, true);
  CHECK(moments.drift(1, 1) > 0.1);
  CHECK(moments.drift(1, 1) < 1);
  CHECK(std::abs(moments.drift(0, 0)) < 0.1 * moments.drift(1, 1));
}

TEST_CASE("input moments: an offset is left to the bias, unless there is nobody to correct it") {
  const InputMoments centred = moments_of(two_columns(), 1, 30, true);
  CHECK(centred.drift.cwiseAbs().maxCoeff() < 1e-12);
  CHECK(centred.means[1] - centred.teacher_means[1] == doctest::Approx(30));
  const InputMoments whole = moments_of(two_columns(), 1, 30, false);
  CHECK(whole.means == std::vector<double>{0, 0});
  CHECK(whole.drift.cwiseAbs().maxCoeff() > 0.01);
}

TEST_CASE("layer rounding: says how much the mean of every output fell, and a zero stays zero") {
  const Graph graph = two_columns();
  const Node& node = graph.node(graph.nodes()[0]);
  const InputRows teacher = rows_of(node, std::vector<std::pair<float, float>>(64, {10, 20}));
  const InputRows student = rows_of(node, std::vector<std::pair<float, float>>(64, {10, 16}));
  RoundingTask task{.matrix = weight_matrix(node, {2, 1}).value(),
                    .scheme = symmetric_8,
                    .weight = Tensor::of<float>({2, 1}, {0, 3}),
                    .scales = {1}};
  const RoundedLayer rounded = rounded_layer(task, {.student = student, .teacher = teacher});
  CHECK(rounded.integers == std::vector<std::int32_t>{0, 3});
  CHECK(rounded.shifts == std::vector<double>{3 * 20 - 3 * 16});
  task.is_bias_corrected = false;
  CHECK(rounded_layer(task, {.student = student, .teacher = teacher}).shifts == std::vector<double>{0});
}

constexpr const char* prepared_text = R"(
g (float[4,8] x) => (float[4,2] y)
<float[8,2] w = {0.4,1.3,0.4,-1.3,0.4,0.3,0.4,0.3,0.4,2.4,0.4,2.4,0.4,1.4,0.4,1.4}, float[2] b = {10, 20}>
{ y = Gemm(x, w, b) }
)";

SampleSource equal_columns(std::int64_t count) {
  return {.count = count, .description = "rows of equal numbers", .read = [](std::int64_t i) {
            std::vector<float> rows;
            for (std::int64_t k = 0; k < 32; ++k)
              rows.push_back(static_cast<float>((i * 7 + k / 8 * 13) % 50));
            return Sample{.inputs = {Tensor::of<float>({4, 8}, rows)}};
          }};
}

// The prepared graph's ids with the student's nodes between: what an Edit of it would give.
Graph student_of(const Graph& prepared) {
  const Node& gemm = prepared.node(prepared.nodes()[0]);
  Edit edit(prepared);
  const ValueId one = edit.add_constant(Tensor::scalar(1.0f));
  const ValueId mid = edit.add_constant(Tensor::scalar(std::uint8_t{128}));
  const ValueId q = edit.add_node("QuantizeLinear", {gemm.inputs[0], one, mid});
  edit.set_input(gemm.id, 0, edit.add_node("DequantizeLinear", {q, one, mid}));
  const QuantizedWeight weight = quantize_weight(*prepared.constant(gemm.inputs[1]), 1, symmetric_8);
  const ValueId scales = edit.add_constant(Tensor::of<float>({2}, {1, 1}));
  edit.set_input(
      gemm.id, 1,
      edit.add_node("DequantizeLinear", {edit.add_constant(weight.integers), scales}, {{"axis", 1}}));
  return edit.apply();
}

Graph rounded(int threads) {
  const int before = thread_count();
  set_thread_count(threads);
  const Graph prepared = with_inferred_types(graph_from_text(prepared_text));
  const Graph result =
      with_second_order_rounding(prepared, with_inferred_types(student_of(prepared)), equal_columns(8),
                                 {.scheme_of = [](const Node&) { return std::optional(symmetric_8); }});
  set_thread_count(before);
  return result;
}

TEST_CASE("second-order rounding: sums over inputs that are always equal come out right") {
  const Graph result = rounded(1);
  const Value& weight = result.value(result.find_value("w").value());
  REQUIRE(weight.quantization);
  CHECK(weight.quantization->scales == std::vector<float>{1, 1});
  std::vector<double> sums(2, 0.0);
  for (std::size_t i = 0; i < 16; ++i) {
    const double element = static_cast<double>(weight.constant->data<float>()[i]);
    CHECK(element == std::nearbyint(element));
    sums[i % 2] += element;
  }
  // 8 * 0.4 = 3.2, which nearest would make 0; the second column adds up to 8.2.
  CHECK(sums[0] == 3);
  CHECK(sums[1] == 8);
}

TEST_CASE("second-order rounding: gives the same bytes at any thread count") {
  CHECK(rounded(1) == rounded(2));
  CHECK(rounded(1) == rounded(4));
}

TEST_CASE("second-order rounding: a layer without a scheme stays as it is") {
  const Graph prepared = with_inferred_types(graph_from_text(prepared_text));
  const Graph result =
      with_second_order_rounding(prepared, with_inferred_types(student_of(prepared)), equal_columns(8),
                                 {.scheme_of = [](const Node&) { return std::nullopt; }});
  CHECK(result == prepared);
}

}  // namespace
}  // namespace edgeopt
