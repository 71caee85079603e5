#include <doctest/doctest.h>

#include "ir/evaluate.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {

TEST_CASE("scan inputs of different lengths are refused") {
  const Graph graph = graph_from_text(R"(
    <ir_version: 8, opset_import: ["": 17]> g (float[N,2] x, float[M,2] z) => (float[K,2] y) {
      y = Scan<num_scan_inputs = 2, body = b (float[2] a, float[2] e) => (float[2] t) { t = Mul(a, e) }>(x, z) })");
  CHECK_THROWS_AS(evaluate(graph, {Tensor(DataType::float32, {500, 2}), Tensor(DataType::float32, {1, 2})}),
                  UserError);
}

TEST_CASE("a sequence length beyond the sequence, or below 0, is refused") {
  const Graph graph = graph_from_text(R"(
    <ir_version: 3, opset_import: ["": 8]> g (int64[1] n, float[1,3,2] x) => (float[1,K,2] y) {
      y = Scan<num_scan_inputs = 1, body = b (float[2] a) => (float[2] t) { t = Sin(a) }>(n, x) })");
  const Tensor x(DataType::float32, {1, 3, 2});
  CHECK_NOTHROW(evaluate(graph, {Tensor::of<std::int64_t>({1}, {3}), x}));
  for (const std::int64_t length : {std::int64_t{400}, std::int64_t{-1}})
    CHECK_THROWS_AS(evaluate(graph, {Tensor::of<std::int64_t>({1}, {length}), x}), UserError);
  CHECK_THROWS_AS(evaluate(graph, {Tensor(DataType::int64, {0}), x}), UserError);
}

}  // namespace edgeopt
