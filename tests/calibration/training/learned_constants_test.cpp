#include "calibration/training/learned_constants.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ir/infer.h"
#include "support/error.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// The names of what the MatMul that computes y learns when its weight is written as `form` gives w.
std::vector<std::string> learned_behind(const std::string& form) {
  const std::string head =
      "g (float[1,2] x, int64[2] i) => (float[1,m] y) <float[2,6] u = "
      "{1,2,3,4,5,6,7,8,9,1,2,3}, float[3,2] v = {1,2,3,4,5,6}> {";
  const Graph graph =
      with_inferred_types(graph_from_text(head + form + " y = MatMul(x, w) }", {.opset = 17}));
  const Node* layer = graph.producer(graph.outputs()[0]);
  std::vector<std::string> names;
  for (const LearnedConstant& constant : learned_constants(graph, *layer)) names.push_back(constant.name);
  return names;
}

}  // namespace

TEST_CASE("a weight is learned behind nodes that only move its elements") {
  using Names = std::vector<std::string>;
  CHECK(learned_behind("w = Transpose<perm = [1,0]>(v)") == Names{"v"});
  CHECK(learned_behind("w, rest = Split<axis = 1>(u)") == Names{"u"});
  CHECK(learned_behind("t = Transpose<perm = [1,0]>(v) s, r = Split<axis = 1>(u) a = Identity(s) "
                       "w = Concat<axis = 1>(t, a)") == Names{"v", "u"});
}

TEST_CASE("a weight is left alone behind a node that looks it up, computes it or adds elements") {
  CHECK(learned_behind("t = Transpose<perm = [1,0]>(v) w = Gather(t, i)").empty());
  CHECK(learned_behind("t = Transpose<perm = [1,0]>(v) w = Tanh(t)").empty());
  CHECK(learned_behind("t = Transpose<perm = [1,0]>(v) p = Constant<value_ints = [0,0,0,0]>() w = Pad(t, p)")
            .empty());
  CHECK(learned_behind("t = Transpose<perm = [1,0]>(v) r = Tanh(t) w = Concat<axis = 1>(t, r)").empty());
}

TEST_CASE("a branch without the graph around it is refused, not followed outwards") {
  const Graph whole = with_inferred_types(graph_from_text(R"(
    g (bool c, float[1,2] x) => (float[1,3] y) <float[2,3] v = {1,2,3,4,5,6}> {
      y = If(c)<then_branch = a () => (float[1,3] p) { p = MatMul(x, v) },
                else_branch = b () => (float[1,3] q) { q = MatMul(x, v) }>
    })",
                                                          {.opset = 17}));
  const Node& branching = *whole.producer(whole.outputs()[0]);
  CHECK(learned_constants(whole, branching).size() == 2);
  const Graph& branch = **branching.attributes.get<GraphPtr>("then_branch");
  const Node& layer = *branch.producer(branch.outputs()[0]);
  CHECK_THROWS_AS(learned_constants(branch, layer), InternalError);
}

TEST_CASE("a weight that its groups do not divide has no channel axis") {
  for (const char* group : {"0", "-1", "2", "9223372036854775807"}) {
    CAPTURE(group);
    const Graph graph = graph_from_text(std::string("g (float x) => (float y) <float[3,1,1,1] v = {1,2,3}> "
                                                    "{ r = Unknown(x) y = Conv<group = ") +
                                        group + ">(r, v) }");
    const std::vector<LearnedConstant> found = learned_constants(graph, *graph.producer(graph.outputs()[0]));
    REQUIRE(found.size() == 1);
    CHECK(found[0].channel_axis == -1);
  }
}

}  // namespace edgeopt
