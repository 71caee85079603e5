// Cast, CastLike: the same elements in another type; the rules are in ir/cast.cpp.
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

CastOptions options_of(const Attributes& attributes) {
  CastOptions options{.saturate = attributes.get_int("saturate", 1) != 0,
                      .round_mode = attributes.get_string("round_mode", "up")};
  if (options.round_mode != "up" && options.round_mode != "down" && options.round_mode != "nearest")
    throw UserError("round_mode of Cast must be up, down or nearest");
  return options;
}

DataType target_type(const Attributes& attributes) {
  return static_cast<DataType>(attributes.get_int("to", 0));
}

// Dims on their way to Reshape survive a change of the integer type.
Operand inferred(const Operand& x, DataType to) {
  Operand y = operand(to, x.type.shape);
  if (is_integer(to)) y.elements = x.elements;
  return y;
}

ValueId cast_back(const GradientCall& call, ValueId dy) {
  const auto dtype = static_cast<std::int64_t>(dtype_of(call, call.node.inputs[0]));
  return emit(call, "Cast", {dy}, {{"to", dtype}});
}

// The second input of CastLike gives its type alone.
std::vector<ValueId> gradient(const GradientCall& call) {
  if (!call.wants(0)) return {};
  return {cast_back(call, call.output_gradients[0])};
}

OpDefinition casting(std::string name, int required_inputs, InferRule infer, EvaluateRule evaluate) {
  return {
      .name = std::move(name),
      .versions = {15, 19, 21, 23, 24, 25},
      .required_inputs = required_inputs,
      .infer = std::move(infer),
      .evaluate = std::move(evaluate),
      .count_cost = operations_per_output(1),
      .gradient = gradient,
      .is_elementwise = true,
  };
}

}  // namespace

std::vector<OpDefinition> cast_table() {
  OpDefinition to_attribute = casting(
      "Cast", 1,
      [](const InferCall& call) {
        return std::vector<Operand>{inferred(call.inputs[0], target_type(call.attributes()))};
      },
      [](const EvaluateCall& call) {
        const Attributes& attributes = call.attributes();
        return Tensors{cast(call.inputs[0], target_type(attributes), options_of(attributes))};
      });
  to_attribute.versions = {1, 6, 9, 13, 19, 21, 23, 24, 25};
  OpDefinition to_second_input = casting(
      "CastLike", 2,
      [](const InferCall& call) {
        return std::vector<Operand>{inferred(call.inputs[0], call.inputs[1].type.dtype)};
      },
      [](const EvaluateCall& call) {
        return Tensors{cast(call.inputs[0], call.inputs[1].dtype(), options_of(call.attributes()))};
      });
  return {to_attribute, to_second_input};
}

}  // namespace edgeopt
