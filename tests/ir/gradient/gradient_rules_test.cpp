// Every gradient rule against central finite differences in double precision.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/gradient/gradient.h"
#include "ir/op.h"
#include "tests/ir/gradient/finite_differences.h"
#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

// 4e-11 of error per unit of the third derivative and of the sum (finite_differences.h); both reach some
// hundreds in the cases.
constexpr double tolerance = 1e-7;

// The straight-through rules are no derivatives: tests/ir/gradient/straight_through_test.cpp. Graphs with
// subgraphs are written as text: tests/ir/gradient/if_gradient_test.cpp, repetition_gradient_test.cpp.
const std::set<std::string> tested_elsewhere = {
    "QuantizeLinear", "DequantizeLinear", "FakeQuantize", "If", "Scan", "Loop"};

struct CaseGraph {
  Graph graph;
  Tensors inputs;
};

std::string name_of(const GradientCase& test, int opset) {
  std::string name = fmt::format("{} opset {}", test.op_type, opset);
  for (const GradientInput& input : test.inputs)
    name += " " + to_string(input.is_learned ? input.dims : input.constant.dims());
  return name;
}

std::vector<ValueId> add_inputs(Edit& edit, const GradientCase& test, bool has_dims, Tensors& tensors) {
  std::vector<ValueId> ids;
  for (const GradientInput& input : test.inputs) {
    const std::string name = fmt::format("x{}", ids.size());
    if (!input.is_learned) {
      const bool is_there = input.constant.dtype() != DataType::undefined;
      ids.push_back(is_there ? edit.add_constant(input.constant, name) : ValueId::none);
      continue;
    }
    const bool is_given = input.constant.dtype() != DataType::undefined;
    tensors.push_back(is_given ? input.constant : uniform_doubles(input.dims, input.low, input.high, name));
    const Shape shape = has_dims ? to_shape(input.dims) : Shape(input.dims.size());
    ids.push_back(edit.add_input(name, {.dtype = DataType::float64, .shape = shape}));
  }
  return ids;
}

// The operator with each output that is used times random weights, so that the gradients that it gets differ.
CaseGraph graph_of(const GradientCase& test, int opset, bool has_dims) {
  CaseGraph result;
  Edit edit{Graph()};
  edit.set_opset("", opset);
  const std::vector<ValueId> inputs = add_inputs(edit, test, has_dims, result.inputs);
  const std::vector<ValueId> outputs = edit.add_node({.op_type = test.op_type,
                                                      .inputs = inputs,
                                                      .attributes = test.attributes,
                                                      .output_count = test.output_count,
                                                      .domain = test.domain});
  for (const int i : test.used_outputs) edit.add_output(outputs[static_cast<std::size_t>(i)]);
  const Tensors values = evaluate(edit.apply(), result.inputs);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Tensor weights = uniform_doubles(values[i].dims(), -1, 1, fmt::format("weights{}", i));
    const ValueId output = outputs[static_cast<std::size_t>(test.used_outputs[i])];
    edit.remove_output(0);
    edit.add_output(edit.add_node("Mul", {output, edit.add_constant(weights)}));
  }
  result.graph = edit.apply();
  return result;
}

void check_close(const std::vector<double>& wanted, const std::vector<double>& got) {
  REQUIRE(wanted.size() == got.size());
  double scale = 1;
  double difference = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    scale = std::max(scale, std::abs(wanted[i]));
    difference = std::max(difference, std::abs(wanted[i] - got[i]));
    if (std::isnan(got[i])) difference = got[i];
  }
  CHECK(difference <= tolerance * scale);
}

// Nothing is computed that no output needs.
void check_no_waste(const Graph& graph) {
  for (const NodeId id : graph.nodes())
    CHECK(std::ranges::any_of(graph.node(id).outputs, [&](ValueId output) {
      return output != ValueId::none && (!graph.uses(output).empty() || graph.is_output(output));
    }));
}

void check_case(const GradientCase& test, int opset, bool has_dims) {
  CAPTURE(name_of(test, opset));
  CAPTURE(has_dims);
  const CaseGraph forward = graph_of(test, opset, has_dims);
  const std::vector<ValueId> learned = required_inputs(forward.graph);
  const Graph backward = gradient(forward.graph, forward.graph.outputs(), learned);
  verify(backward);
  check_no_waste(backward);
  Tensors results = evaluate(backward, forward.inputs);
  const std::size_t first = forward.graph.outputs().size();
  REQUIRE(results.size() == first + learned.size());
  for (std::size_t i = 0; i < learned.size(); ++i) {
    CAPTURE(i);
    const Tensor& slopes = results[first + i];
    CHECK(slopes.dtype() == DataType::float64);
    CHECK(slopes.dims() == forward.inputs[i].dims());
    check_close(numeric_gradient(forward.graph, forward.inputs, i), to_doubles(slopes));
  }
}

TEST_CASE("every gradient rule agrees with finite differences") {
  for (const GradientCase& test : gradient_cases())
    for (const int opset : test.opsets) check_case(test, opset, true);
}

TEST_CASE("every gradient rule works where no dim is known before the model runs") {
  for (const GradientCase& test : gradient_cases())
    if (!test.needs_dims) check_case(test, test.opsets.front(), false);
}

TEST_CASE("one input alone has the gradient that it has among others") {
  for (const GradientCase& test : gradient_cases()) {
    const CaseGraph forward = graph_of(test, test.opsets.front(), true);
    const std::vector<ValueId> learned = required_inputs(forward.graph);
    if (learned.size() < 2) continue;
    CAPTURE(name_of(test, test.opsets.front()));
    const Tensors together =
        evaluate(gradient(forward.graph, forward.graph.outputs(), learned), forward.inputs);
    const std::size_t first = forward.graph.outputs().size();
    for (std::size_t i = 0; i < learned.size(); ++i) {
      const Graph alone = gradient(forward.graph, forward.graph.outputs(), std::vector{learned[i]});
      check_no_waste(alone);
      CHECK(evaluate(alone, forward.inputs)[first] == together[first + i]);
    }
  }
}

TEST_CASE("every operator with a gradient rule is among the cases") {
  std::set<std::string> covered = tested_elsewhere;
  for (const GradientCase& test : gradient_cases()) covered.insert(test.op_type);
  for (const OpDefinition& op : all_ops()) {
    CAPTURE(op.name);
    if (op.gradient) CHECK(covered.count(op.name) == 1);
  }
}

TEST_CASE("operators of training graphs are in a domain of their own, and known to no model of a user") {
  for (const OpDefinition& op : all_ops())
    if (op.name.ends_with("Gradient")) CHECK(op.domain == "edgeopt");
}

}  // namespace
}  // namespace edgeopt
