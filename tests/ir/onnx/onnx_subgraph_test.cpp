// Subgraphs read outer values by name in the file and by id in memory.
#include <doctest/doctest.h>

#include "ir/edit.h"
#include "ir/onnx/onnx.h"
#include "support/error.h"
#include "tests/support/onnx_normal_form.h"
#include "tests/support/onnx_text.h"

namespace edgeopt {
namespace {

// `a` and `x` are read two levels further in; `x` is an input, `a` the result of a node.
constexpr const char* nested = R"(
g (float[2] x, bool flag) => (float[2] y)
{
  a = com.x.First(x)
  y = If<then_branch = yes () => (float[2] p)
    {
      p = If<then_branch = inner () => (float[2] q) { q = com.x.Join(a, x) },
             else_branch = other () => (float[2] r) { r = com.x.Copy(a) }>(flag)
    }, else_branch = no () => (float[2] s) { s = com.x.Copy(x) }>(flag)
})";

const Graph& subgraph(const Node& node, std::string_view name) {
  return **node.attributes.get<GraphPtr>(name);
}
const Node& last_node(const Graph& graph) { return graph.node(graph.nodes().back()); }

onnx::ModelProto written(const Graph& graph) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(model_to_bytes(graph)));
  return model;
}

const onnx::GraphProto& branch(const onnx::NodeProto& node, int index) { return node.attribute(index).g(); }

TEST_CASE("a value that is read two subgraphs further in is captured at every level") {
  const Graph graph = graph_from_text(nested);
  const Node& outer = last_node(graph);
  REQUIRE(outer.captures.size() == 3);
  CHECK(outer.captures[0] == Capture{"flag", *graph.find_value("flag")});
  CHECK(outer.captures[1] == Capture{"a", *graph.find_value("a")});
  CHECK(outer.captures[2] == Capture{"x", *graph.find_value("x")});
  const Graph& yes = subgraph(outer, "then_branch");
  const Node& inner = last_node(yes);
  REQUIRE(inner.captures.size() == 2);
  CHECK(inner.captures[0] == Capture{"a", *yes.find_value("a")});
  CHECK(yes.value(inner.captures[0].value).is_captured);
  CHECK(yes.opset() == graph.opset());
}

TEST_CASE("a file with nested subgraphs survives reading and writing") {
  const std::string bytes = model_bytes_from_text(nested);
  const Graph graph = model_from_bytes(std::as_bytes(std::span(bytes)));
  const auto difference = difference_of_files(bytes, model_to_bytes(graph));
  CHECK_MESSAGE(!difference, difference.value_or(""));
}

TEST_CASE("subgraphs are written with the name that the outer value has now") {
  const Graph graph = graph_from_text(nested);
  Edit edit(graph);
  edit.rename(*graph.find_value("a"), "renamed");
  const onnx::ModelProto model = written(edit.apply());
  const onnx::GraphProto& inner = branch(branch(model.graph().node(1), 0).node(0), 0);
  CHECK(inner.node(0).input(0) == "renamed");
}

TEST_CASE("subgraphs follow when the outer value is replaced") {
  const Graph graph = graph_from_text(nested);
  Edit edit(graph);
  edit.replace(*graph.find_value("a"), *graph.find_value("x"));
  const onnx::ModelProto model = written(edit.apply());
  REQUIRE(model.graph().node_size() == 1);
  const onnx::GraphProto& inner = branch(branch(model.graph().node(0), 0).node(0), 0);
  CHECK(inner.node(0).input(0) == "x");
  CHECK(inner.node(0).input(1) == "x");
}

TEST_CASE("a local value that would hide an outer name is renamed") {
  const Graph graph = graph_from_text(nested);
  Edit edit(graph);
  // Edit knows every inner name, so only a describe can give an outer value the name "q".
  edit.describe(*graph.find_value("a"), [](Value& value) { value.name = "q"; });
  const onnx::ModelProto model = written(edit.apply());
  const onnx::GraphProto& inner = branch(branch(model.graph().node(1), 0).node(0), 0);
  CHECK(inner.node(0).input(0) == "q");
  CHECK(inner.node(0).output(0) == "q_1");
  CHECK(inner.output(0).name() == "q_1");
}

TEST_CASE("a name that both branches define means a value of its own in each") {
  const Graph graph = graph_from_text(R"(
    g (float[2] x, bool flag) => (float[2] y) {
      y = If<then_branch = yes () => (float[2] p) { p = com.x.A(x) },
             else_branch = no () => (float[2] p) { p = com.x.B(x) }>(flag) })");
  const onnx::ModelProto model = written(graph);
  CHECK(branch(model.graph().node(0), 0).node(0).output(0) == "p");
  CHECK(branch(model.graph().node(0), 1).node(0).output(0) == "p");
}

TEST_CASE("a subgraph may read a value whose node comes later in the file") {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(model_bytes_from_text(nested)));
  model.mutable_graph()->mutable_node()->SwapElements(0, 1);
  const std::string bytes = model.SerializeAsString();
  const Graph graph = model_from_bytes(std::as_bytes(std::span(bytes)));
  CHECK_FALSE(structural_difference(graph, graph_from_text(nested)));
}

TEST_CASE("a value that no enclosing graph has is named in the error") {
  CHECK_THROWS_WITH_AS(graph_from_text("g (bool flag) => (float[2] y) { y = If<then_branch = yes () => "
                                       "(float[2] p) { p = com.x.A(nobody) }>(flag) }"),
                       doctest::Contains("node 'p' (A): input 0 is 'nobody'"), UserError);
}

}  // namespace
}  // namespace edgeopt
