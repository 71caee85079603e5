#include "ir/edit.h"

#include <doctest/doctest.h>

#include "support/error.h"

namespace edgeopt {
namespace {

struct Chain {
  Graph graph;
  ValueId x, a, b;
};

// x -> Relu -> a -> Neg -> b
Chain relu_then_negate() {
  Edit edit{Graph()};
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{Dim("N"), 4}});
  const ValueId a = edit.add_node("Relu", {x});
  const ValueId b = edit.add_node({.op_type = "Neg", .inputs = {a}, .output_names = {"y"}})[0];
  edit.add_output(b);
  return {edit.apply(), x, a, b};
}

TEST_CASE("replacing a value removes the nodes that only it needed") {
  const Chain chain = relu_then_negate();
  Edit edit(chain.graph);
  edit.replace(chain.a, chain.x);
  const Graph after = edit.apply();
  REQUIRE(after.nodes().size() == 1);
  CHECK(after.node(after.nodes()[0]).inputs[0] == chain.x);
}

TEST_CASE("an edit leaves the graph it was made from as it was") {
  const Chain chain = relu_then_negate();
  const Graph copy = chain.graph;
  Edit edit(chain.graph);
  edit.replace(chain.a, chain.x);
  CHECK_FALSE(edit.apply() == chain.graph);
  CHECK(chain.graph == copy);
}

TEST_CASE("the replacement of an output takes over its name") {
  const Chain chain = relu_then_negate();
  Edit edit(chain.graph);
  edit.replace(chain.b, edit.add_node("Abs", {chain.a}));
  const Graph after = edit.apply();
  CHECK(after.name_of(after.outputs()[0]) == "y");
  CHECK(after.producer(after.outputs()[0])->op_type == "Abs");
}

TEST_CASE("a replacement has the range of what it replaces, unless its own is known or it is a constant") {
  const Chain chain = relu_then_negate();
  Edit ranged(chain.graph);
  ranged.set_range(chain.a, Range{.min = 0, .max = 3});
  const Graph before = ranged.apply();
  Edit edit(before);
  const ValueId fresh = edit.add_node("Abs", {chain.x});
  edit.replace(chain.a, fresh);
  CHECK(edit.apply().value(fresh).range == Range{.min = 0, .max = 3});

  Edit known(before);
  known.set_range(chain.x, Range{.min = -1, .max = 1});
  known.replace(chain.a, chain.x);
  CHECK(known.apply().value(chain.x).range == Range{.min = -1, .max = 1});

  Edit constant(before);
  const ValueId two = constant.add_constant(Tensor::scalar(2.0F));
  constant.replace(chain.a, two);
  CHECK_FALSE(constant.apply().value(two).range);
}

TEST_CASE("an output that becomes an input keeps its name behind an Identity") {
  const Chain chain = relu_then_negate();
  Edit edit(chain.graph);
  edit.replace(chain.b, chain.x);
  const Graph after = edit.apply();
  CHECK(after.name_of(after.outputs()[0]) == "y");
  CHECK(after.producer(after.outputs()[0], "Identity")->inputs[0] == chain.x);
}

TEST_CASE("nodes inserted behind a value stand before its old users") {
  const Chain chain = relu_then_negate();
  Edit edit(chain.graph);
  const ValueId inserted = edit.add_node("Abs", {edit.add_node("Sqrt", {chain.a})});
  edit.replace(chain.a, inserted);
  const Graph after = edit.apply();
  REQUIRE(after.nodes().size() == 4);
  CHECK(after.node(after.nodes()[1]).op_type == "Sqrt");
  CHECK(after.node(after.nodes()[2]).op_type == "Abs");
  CHECK(after.node(after.nodes()[3]).op_type == "Neg");
}

TEST_CASE("an edit that closes a cycle is refused") {
  const Chain chain = relu_then_negate();
  Edit edit(chain.graph);
  edit.set_input(chain.graph.producer(chain.a)->id, 0, chain.b);
  CHECK_THROWS_WITH_AS(edit.apply(), "the nodes form a cycle; a graph must be acyclic", UserError);
}

TEST_CASE("structural difference ignores inner names and sees attributes") {
  const Chain chain = relu_then_negate();
  Edit renamed(chain.graph);
  renamed.rename(chain.a, "another");
  CHECK_FALSE(structural_difference(chain.graph, renamed.apply()).has_value());
  CHECK_FALSE(chain.graph == renamed.apply());
  Edit changed(chain.graph);
  changed.set_attributes(chain.graph.producer(chain.a)->id, {{"alpha", 1.0f}});
  CHECK(structural_difference(chain.graph, changed.apply()).has_value());
}

}  // namespace
}  // namespace edgeopt
