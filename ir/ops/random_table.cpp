// Operators that draw random numbers: their shapes are known, their elements are not.
#include <string>
#include <utility>
#include <vector>

#include "ir/rules/op_rules.h"

namespace edgeopt {
namespace {

DataType dtype_attribute(const Attributes& attributes, DataType otherwise) {
  return static_cast<DataType>(attributes.get_int("dtype", static_cast<std::int64_t>(otherwise)));
}

std::vector<Operand> infer_from_attributes(const InferCall& call) {
  return {operand(dtype_attribute(call.attributes(), DataType::float32),
                  to_shape(call.attributes().get_ints("shape")))};
}

std::vector<Operand> infer_like_input(const InferCall& call) {
  const ValueType& x = call.inputs[0].type;
  return {operand(dtype_attribute(call.attributes(), x.dtype), x.shape)};
}

OpDefinition random(std::string name, std::vector<int> versions, InferRule infer, int required_inputs) {
  return {
      .name = std::move(name),
      .versions = std::move(versions),
      .required_inputs = required_inputs,
      .infer = std::move(infer),
      .is_deterministic = false,
  };
}

}  // namespace

std::vector<OpDefinition> random_table() {
  return {
      random("RandomNormal", {1, 22}, infer_from_attributes, 0),
      random("RandomUniform", {1, 22}, infer_from_attributes, 0),
      random("RandomNormalLike", {1, 22}, infer_like_input, 1),
      random("RandomUniformLike", {1, 22}, infer_like_input, 1),
      random("Bernoulli", {15, 22}, infer_like_input, 1),
  };
}

}  // namespace edgeopt
