// Which residual blocks can be left out, and what is left without them.
#include "passes/prune/residual_blocks.h"

#include <doctest/doctest.h>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_constants.h"

namespace edgeopt {
namespace {

Graph graph_of(const std::string& nodes, const std::string& outputs = "float[1,2,4,4] y") {
  return with_inferred_types(graph_from_text(
      with_random_constants("g (float[1,2,4,4] x) => (" + outputs +
                            ") <float[2,2,1,1] w = RANDOM, float[2,2,1,1] v = RANDOM> { " + nodes + " }")));
}

}  // namespace

TEST_CASE("a block of two Convs beside its input is found, from either side of the Add") {
  for (const char* add : {"Add(r, d)", "Add(d, r)"}) {
    const Graph graph = graph_of(std::string("r = Relu(x) c = Conv(r, w) e = Relu(c) d = Conv(e, v) s = ") +
                                 add + " y = Relu(s)");
    const std::vector<ResidualBlock> blocks = find_residual_blocks(graph);
    REQUIRE(blocks.size() == 1);
    CHECK(blocks[0].branch.size() == 3);
    CHECK(graph.name_of(blocks[0].skip) == "r");
  }
}

TEST_CASE("without a block its input comes through") {
  const Graph graph = graph_of("r = Relu(x) c = Conv(r, w) s = Add(r, c) y = Relu(s)");
  const Graph less = without_block(graph, find_residual_blocks(graph).at(0));
  CHECK(less.nodes().size() == 2);
  const Tensor input = Tensor::of<float>({1, 2, 4, 4}, std::vector<float>(32, 0.5F));
  CHECK(evaluate(less, {input})[0] == input);
}

TEST_CASE("blocks behind each other are each found") {
  CHECK(find_residual_blocks(
            graph_of("r = Relu(x) c = Conv(r, w) s = Add(r, c) t = Relu(s) d = Conv(t, v) u = Add(t, d) "
                     "y = Relu(u)"))
            .size() == 2);
}

TEST_CASE("an Add is left alone when its other side does not come from the first") {
  CHECK(find_residual_blocks(graph_of("c = Conv(x, w) d = Conv(x, v) s = Add(c, d) y = Relu(s)")).empty());
}

TEST_CASE("a block is left alone when somebody else reads its inside") {
  CHECK(find_residual_blocks(graph_of("r = Relu(x) c = Conv(r, w) s = Add(r, c) t = Relu(c) y = Add(s, t)"))
            .empty());
  CHECK(find_residual_blocks(graph_of("r = Relu(x) c = Conv(r, w) s = Add(r, c) y = Relu(s)",
                                      "float[1,2,4,4] y, float[1,2,4,4] c"))
            .empty());
}

TEST_CASE("a block is left alone when the model's input would be its output: somebody must compute it") {
  CHECK(find_residual_blocks(graph_of("c = Conv(x, w) y = Add(x, c)")).empty());
}

TEST_CASE("a block without weights is left alone") {
  CHECK(find_residual_blocks(graph_of("r = Relu(x) c = Sigmoid(r) s = Add(r, c) y = Relu(s)")).empty());
}

}  // namespace edgeopt
