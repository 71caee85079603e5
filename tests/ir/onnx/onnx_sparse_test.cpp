// Sparse initializers: read as constants, written sparsely again, and only where that is smaller.
#include <doctest/doctest.h>

#include "ir/onnx/onnx.h"
#include "ir/onnx/sparse_storage.h"
#include "support/error.h"
#include "tests/support/onnx_normal_form.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

Graph graph_of(const std::string& bytes) { return model_from_bytes(std::as_bytes(std::span(bytes))); }

void check_round_trip(const std::string& bytes) {
  const auto difference = difference_of_files(bytes, model_to_bytes(graph_of(bytes)));
  CHECK_MESSAGE(!difference, difference.value_or(""));
}

onnx::ModelProto model_with_sparse_initializer(const std::vector<std::int64_t>& positions) {
  onnx::ModelProto model;
  REQUIRE(
      model.ParseFromString(model_bytes_from_text("g (float[2,3] x) => (float[2,3] y) { y = Add(x, x) }")));
  onnx::SparseTensorProto& sparse = *model.mutable_graph()->add_sparse_initializer();
  sparse.mutable_dims()->Add(2);
  sparse.mutable_dims()->Add(3);
  const Tensor values = Tensor::of<float>({2}, {5, 7});
  const Tensor indices = Tensor::of<std::int64_t>({2}, positions);
  sparse.mutable_values()->ParseFromString(tensor_to_bytes(values, "w"));
  sparse.mutable_indices()->ParseFromString(tensor_to_bytes(indices));
  model.mutable_graph()->mutable_node(0)->set_input(1, "w");
  return model;
}

}  // namespace

TEST_CASE("a sparse initializer is a constant like others, and is written sparsely again") {
  const std::string bytes = model_with_sparse_initializer({1, 5}).SerializeAsString();
  const Graph graph = graph_of(bytes);
  CHECK(*graph.constant(*graph.find_value("w")) == Tensor::of<float>({2, 3}, {0, 5, 0, 0, 0, 7}));
  check_round_trip(bytes);
}

TEST_CASE("a sparse initializer may name positions by one index per axis") {
  onnx::ModelProto model = model_with_sparse_initializer({1, 5});
  const Tensor indices = Tensor::of<std::int64_t>({2, 2}, {0, 1, 1, 2});
  REQUIRE(model.mutable_graph()->mutable_sparse_initializer(0)->mutable_indices()->ParseFromString(
      tensor_to_bytes(indices)));
  const std::string bytes = model.SerializeAsString();
  const Graph graph = graph_of(bytes);
  CHECK(*graph.constant(*graph.find_value("w")) == Tensor::of<float>({2, 3}, {0, 5, 0, 0, 0, 7}));
}

TEST_CASE("a sparse initializer with a position outside of its shape is refused") {
  for (const std::int64_t outside : {std::int64_t{6}, std::int64_t{-1}}) {
    const std::string bytes = model_with_sparse_initializer({1, outside}).SerializeAsString();
    CHECK_THROWS_WITH_AS(graph_of(bytes), doctest::Contains("outside of its shape"), UserError);
  }
}

TEST_CASE("a sparse initializer that would fill the memory stays unread") {
  onnx::ModelProto model = model_with_sparse_initializer({1, 5});
  model.mutable_graph()->mutable_sparse_initializer(0)->set_dims(0, std::int64_t{1} << 40);
  model.mutable_graph()->mutable_node(0)->set_domain("com.x");  // of which nothing is inferred
  const std::string bytes = model.SerializeAsString();
  const Graph graph = graph_of(bytes);
  CHECK_FALSE(graph.constant(*graph.find_value("w")).has_value());
  check_round_trip(bytes);
}

TEST_CASE("sparse storage: only what gets smaller is written sparsely, and reads back as it was") {
  const Graph graph = graph_from_text(R"(
g (float[12] x) => (float[12] y)
<float[12] few = {0, 0, 0, 2, 0, 0, 0, 0, -3, 0, 0, 0}, float[12] half = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0},
 int64[2] shape = {3, 4}>
{ a = Add(x, few) b = Mul(a, half) c = Reshape(b, shape) y = Reshape(c, shape) })");
  const std::string bytes = model_to_bytes(with_sparse_storage(graph));
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(bytes));
  REQUIRE(model.graph().sparse_initializer_size() == 1);
  CHECK(model.graph().sparse_initializer(0).values().name() == "few");
  CHECK(model.graph().sparse_initializer(0).values().dims(0) == 2);
  CHECK(model.graph().initializer_size() == 2);
  const Graph again = graph_of(bytes);
  CHECK(*again.constant(*again.find_value("few")) == *graph.constant(*graph.find_value("few")));
  CHECK(model_to_bytes(again) == bytes);
}

}  // namespace edgeopt
