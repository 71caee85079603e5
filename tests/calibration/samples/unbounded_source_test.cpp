#include <doctest/doctest.h>

#include <string>

#include "calibration/pruning/reconstruction_ranking.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

std::string source_behind(const std::string& form) {
  const Graph graph = graph_from_text(
      "g (float[1,4] x) => (float[N] y) <int64[1] axis = {0}, int64[1] all = "
      "{-1}> { s = Relu(x) " +
      form + " }");
  return graph.name_of(unbounded_source(graph, graph.outputs()[0]));
}

}  // namespace

TEST_CASE("an output is made of what stands before its bounds and its dims") {
  CHECK(source_behind("y = Sigmoid(s)") == "s");
  CHECK(source_behind("p = Softmax(s) y = Identity(p)") == "s");
  CHECK(source_behind("a = Flatten(s) b = LogSoftmax(a) y = Reshape(b, all)") == "s");
  CHECK(source_behind("a = Unsqueeze(s, axis) b = Sigmoid(a) y = Squeeze(b)") == "s");
}

TEST_CASE(
    "an output is made of itself where a node computes or moves its elements, or reads the model's input") {
  CHECK(source_behind("y = Tanh(s)") == "y");
  CHECK(source_behind("y = Transpose<perm = [1,0]>(s)") == "y");
  CHECK(source_behind("y = Sigmoid(x)") == "y");
}

}  // namespace edgeopt
