// Functions have no form in the text syntax of the golden cases, so these graphs are built by hand.
#include <doctest/doctest.h>

#include <memory>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "passes/framework/pass.h"

namespace edgeopt {
namespace {

// leaky<slope>(x) = LeakyRelu<alpha = @slope>(Abs(x))
Function leaky_function(std::int64_t opset) {
  Edit body{Graph()};
  const ValueId x = body.add_input("x", {});
  const ValueId positive = body.add_node("Abs", {x});
  body.add_output(
      body.add_node("LeakyRelu", {positive}, {{"alpha", AttributeReference{.name = "slope", .kind = 1}}}));
  return {.name = "leaky",
          .domain = "local",
          .opset_imports = {{.domain = "", .version = opset}},
          .attribute_names = {"slope"},
          .body = std::make_shared<const Graph>(body.apply())};
}

Graph model_that_calls(const Function& function, Attributes attributes) {
  Edit edit{Graph()};
  edit.set_header({.ir_version = 8,
                   .opset_imports = {{.domain = "", .version = 17}, {.domain = "local", .version = 1}},
                   .functions = {function}});
  const ValueId x = edit.add_input("x", {.dtype = DataType::float32, .shape = Shape{2}});
  const ValueId y = edit.add_node({.op_type = "leaky",
                                   .inputs = {x},
                                   .attributes = std::move(attributes),
                                   .domain = "local",
                                   .output_names = {"y"}})[0];
  edit.add_output(y);
  return edit.apply();
}

PassOutcome inlined(const Graph& graph) { return find_pass("inline_functions").run(graph, {}); }

TEST_CASE("a call becomes the body of the function, with the attributes of the call") {
  const PassOutcome outcome = inlined(model_that_calls(leaky_function(17), {{"slope", 0.5f}}));
  CHECK(outcome.rewrite_count == 1);
  REQUIRE(outcome.graph.nodes().size() == 2);
  const Node& last = *outcome.graph.producer(outcome.graph.outputs()[0], "LeakyRelu");
  CHECK(last.attributes.get_float("alpha", 0) == 0.5f);
  CHECK(outcome.graph.name_of(outcome.graph.outputs()[0]) == "y");
  const Tensors result = evaluate(outcome.graph, {Tensor::of<float>({2}, {-1, 2})});
  CHECK(result[0] == Tensor::of<float>({2}, {1, 2}));
}

TEST_CASE("an attribute that the call leaves out is left out") {
  const PassOutcome outcome = inlined(model_that_calls(leaky_function(17), {}));
  CHECK(outcome.graph.producer(outcome.graph.outputs()[0], "LeakyRelu")->attributes.is_empty());
}

TEST_CASE("a call stays when the function is written for another opset") {
  const PassOutcome outcome = inlined(model_that_calls(leaky_function(11), {}));
  CHECK(outcome.rewrite_count == 0);
  CHECK(outcome.declined.at(0).first == "the function is written for another opset");
}

TEST_CASE("a call stays when an attribute may have a default that is not read") {
  Function function = leaky_function(17);
  function.unknown_fields = "x";
  CHECK(inlined(model_that_calls(function, {})).declined.at(0).first ==
        "an attribute may have a default that edgeopt does not read");
  CHECK(inlined(model_that_calls(function, {{"slope", 0.5f}})).rewrite_count == 1);
}

TEST_CASE("a call stays when the function calls itself") {
  Function function = leaky_function(17);
  Edit body(*function.body);
  body.replace(
      function.body->outputs()[0],
      body.add_node({.op_type = "leaky", .inputs = {function.body->inputs()[0]}, .domain = "local"})[0]);
  function.body = std::make_shared<const Graph>(body.apply());
  CHECK(inlined(model_that_calls(function, {})).declined.at(0).first == "the function calls itself");
}

}  // namespace
}  // namespace edgeopt
