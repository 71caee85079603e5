// f(s x) == s f(x): the fact that operators state, on the inputs of the gradients' cases.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/op.h"
#include "tests/ir/finite_differences.h"
#include "tests/ir/gradient_cases.h"

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

// The outputs that the case uses, with its float inputs times a number.
std::vector<double> outputs_of(const GradientCase& test, int opset, double by) {
  Edit edit{Graph()};
  edit.set_opset("", opset);
  std::vector<ValueId> inputs;
  for (const GradientInput& input : test.inputs) {
    const std::string name = fmt::format("x{}", inputs.size());
    const Tensor tensor =
        input.is_learned ? uniform_doubles(input.dims, input.low, input.high, name) : input.constant;
    // Upsample's scales are float, yet no numbers of the image.
    const bool is_scaled = is_floating_point(tensor.dtype()) && test.op_type != "Upsample";
    const bool is_there = tensor.dtype() != DataType::undefined;
    inputs.push_back(!is_there
                         ? ValueId::none
                         : edit.add_constant(is_scaled || input.is_learned ? scaled(tensor, by) : tensor));
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

TEST_CASE("every operator that says it is homogeneous has a case") {
  std::set<std::string> covered;
  for (const GradientCase& test : cases()) covered.insert(test.op_type);
  for (const OpDefinition& op : all_ops()) {
    CAPTURE(op.name);
    if (op.is_homogeneous) CHECK(covered.contains(op.name));
  }
}

TEST_CASE("operators with an offset or a product of inputs do not say so") {
  for (const char* name : {"Sigmoid", "HardSwish", "Clip", "Pad", "Mul", "Div", "ReduceProd",
                           "ReduceSumSquare", "Softmax", "Erf", "Selu", "PRelu", "Sign"})
    CHECK_FALSE(find_op("", name)->is_homogeneous);
}

}  // namespace edgeopt
