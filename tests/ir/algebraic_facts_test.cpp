// Facts that operators state, on the inputs of the gradients' cases: f(s x) == s f(x), and whose elements
// come out.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/op.h"
#include "tests/ir/gradient/finite_differences.h"
#include "tests/ir/gradient/gradient_cases.h"

namespace edgeopt {
namespace {

// A power of two changes no bit of a significand; what is left are the roots and powers of LpPool and the
// like, some units in the last place of double.
constexpr double factor = 4;
constexpr double tolerance = 1e-13;

std::vector<GradientCase> cases() {
  std::vector<GradientCase> all = gradient_cases();
  const GradientInput image = learned({1, 3, 4, 4});
  const GradientInput scales = fixed(from_doubles(DataType::float32, {4}, {1, 1, 2, 2}));
  all.push_back({"Upsample", {image, scales}, {{"mode", "linear"}}, {9}});
  all.push_back({"LpPool", {image}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}, {"p", 3}}});
  all.push_back({"GlobalLpPool", {image}});
  return all;
}

Tensor scaled(const Tensor& tensor, double by) {
  std::vector<double> elements = to_doubles(tensor);
  for (double& element : elements) element *= by;
  return from_doubles(tensor.dtype(), tensor.dims(), elements);
}

Tensor input_of(const GradientCase& test, std::size_t index) {
  const GradientInput& input = test.inputs[index];
  if (!input.is_learned) return input.constant;
  return uniform_doubles(input.dims, input.low, input.high, fmt::format("x{}", index));
}

// The outputs that the case uses, with its float inputs times a number.
std::vector<double> outputs_of(const GradientCase& test, int opset, double by) {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    const Tensor tensor = input_of(test, i);
    // Upsample's scales are float, yet no numbers of the image.
    const bool is_scaled = is_floating_point(tensor.dtype()) && test.op_type != "Upsample";
    const bool is_there = tensor.dtype() != DataType::undefined;
    inputs.push_back(
        !is_there ? ValueId::none
                  : edit.add_constant(is_scaled || test.inputs[i].is_learned ? scaled(tensor, by) : tensor));
  }
  const std::vector<ValueId> outputs = edit.add_node({.op_type = test.op_type,
                                                      .inputs = inputs,
                                                      .attributes = test.attributes,
                                                      .output_count = test.output_count});
  for (const int i : test.used_outputs) edit.add_output(outputs[static_cast<std::size_t>(i)]);
  std::vector<double> all;
  for (const Tensor& output : evaluate(edit.apply(), {})) {
    const std::vector<double> elements = to_doubles(output);
    all.insert(all.end(), elements.begin(), elements.end());
  }
  return all;
}

// The elements of input 0, or of all inputs of Concat.
std::vector<double> moved_elements(const GradientCase& test) {
  std::vector<double> all;
  const std::size_t count = test.op_type == "Concat" ? test.inputs.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<double> elements = to_doubles(input_of(test, i));
    all.insert(all.end(), elements.begin(), elements.end());
  }
  return all;
}

// True if an operator moved the same elements to the same places when all of them changed their signs, and no
// others. One that chooses by the elements (MaxPool) would choose others.
bool moves(const GradientCase& test, int opset) {
  const std::vector<double> inputs = moved_elements(test);
  const std::vector<double> outputs = outputs_of(test, opset, 1), negated = outputs_of(test, opset, -1);
  const auto is_input = [&](double element) { return std::ranges::find(inputs, element) != inputs.end(); };
  return std::ranges::all_of(outputs, is_input) &&
         std::ranges::equal(negated, outputs, {}, {}, [](double x) { return -x; });
}

Movement movement_of(const GradientCase& test) {
  const OpDefinition* op = find_op(test.domain, test.op_type);
  return op ? op->movement : Movement::none;
}

bool states_a_fact(const OpDefinition& op) { return op.is_homogeneous || op.movement != Movement::none; }

}  // namespace

TEST_CASE("an operator that says it is homogeneous lets a factor through") {
  for (const GradientCase& test : cases()) {
    const OpDefinition* op = find_op(test.domain, test.op_type);
    if (!op || !op->is_homogeneous) continue;
    for (const int opset : test.opsets) {
      CAPTURE(test.op_type);
      CAPTURE(opset);
      const std::vector<double> before = outputs_of(test, opset, 1), after = outputs_of(test, opset, factor);
      REQUIRE(before.size() == after.size());
      for (std::size_t i = 0; i < before.size(); ++i)
        CHECK(std::abs(after[i] - factor * before[i]) <= tolerance * std::abs(factor * before[i]));
    }
  }
}

TEST_CASE("the elements of an operator that says it moves them are those that went in, wherever that is") {
  for (const GradientCase& test : cases())
    for (const int opset : test.opsets) {
      CAPTURE(test.op_type);
      CAPTURE(opset);
      if (movement_of(test) != Movement::none) CHECK(moves(test, opset));
    }
}

TEST_CASE("an operator that says it keeps the elements in order gives all of them back in order") {
  for (const GradientCase& test : cases())
    for (const int opset : test.opsets) {
      CAPTURE(test.op_type);
      CAPTURE(opset);
      if (movement_of(test) == Movement::in_order) CHECK(outputs_of(test, opset, 1) == moved_elements(test));
    }
}

TEST_CASE("operators that choose by the elements, look up by others or add some do not say that they move") {
  for (const char* name : {"MaxPool", "GlobalMaxPool", "Gather", "GatherElements", "GatherND", "Pad", "Where",
                           "Relu", "Clip", "Resize", "Upsample", "ScatterElements", "Trilu", "Compress"})
    CHECK(find_op("", name)->movement == Movement::none);
}

TEST_CASE("operators that move elements elsewhere do not say that they keep the order") {
  for (const char* name :
       {"Transpose", "Slice", "Concat", "Split", "Expand", "Tile", "DepthToSpace", "SpaceToDepth"})
    CHECK(find_op("", name)->movement == Movement::moves);
}

TEST_CASE("what a node of another domain does with elements is not known, whatever its name") {
  const Node foreign{.op_type = "Reshape", .domain = "com.example"};
  CHECK_FALSE(moves_elements(foreign));
  CHECK_FALSE(keeps_element_order(foreign));
}

TEST_CASE("every operator that states such a fact has a case") {
  std::set<std::string> covered;
  for (const GradientCase& test : cases()) covered.insert(test.op_type);
  for (const OpDefinition& op : all_ops()) {
    CAPTURE(op.name);
    if (states_a_fact(op)) CHECK(covered.contains(op.name));
  }
}

TEST_CASE("operators with an offset or a product of inputs do not say so") {
  for (const char* name : {"Sigmoid", "HardSwish", "Clip", "Pad", "Mul", "Div", "ReduceProd",
                           "ReduceSumSquare", "Softmax", "Erf", "Selu", "PRelu", "Sign"})
    CHECK_FALSE(find_op("", name)->is_homogeneous);
}

}  // namespace edgeopt
