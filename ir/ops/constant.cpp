// y = the tensor that stands in the node's attribute.
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename T>
Tensor list_tensor(const std::vector<T>& elements) {
  return Tensor::of<T>({static_cast<std::int64_t>(elements.size())}, elements);
}

Tensor constant_tensor(const Attributes& attributes) {
  if (const auto* tensor = attributes.get<Tensor>("value")) return *tensor;
  if (const auto* number = attributes.get<float>("value_float")) return Tensor::scalar(*number);
  if (const auto* number = attributes.get<std::int64_t>("value_int")) return Tensor::scalar(*number);
  if (const auto* text = attributes.get<std::string>("value_string")) return Tensor::of_strings({}, {*text});
  if (const auto* list = attributes.get<std::vector<float>>("value_floats")) return list_tensor(*list);
  if (const auto* list = attributes.get<std::vector<std::int64_t>>("value_ints")) return list_tensor(*list);
  if (const auto* list = attributes.get<std::vector<std::string>>("value_strings"))
    return Tensor::of_strings({static_cast<std::int64_t>(list->size())}, *list);
  throw UserError("a Constant needs a value; sparse ones are not supported");
}

std::vector<Operand> infer(const InferCall& call) {
  if (call.attributes().find("sparse_value")) return {};
  const Tensor tensor = constant_tensor(call.attributes());
  Operand y = operand(tensor.dtype(), to_shape(tensor.dims()));
  y.constant = tensor;
  if (is_integer(tensor.dtype()) && tensor.rank() <= 1) y.elements = dims_of_elements(to_int64s(tensor));
  return {y};
}

}  // namespace

OpDefinition constant_op() {
  return {
      .name = "Constant",
      .versions = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25},
      .required_inputs = 0,
      .infer = infer,
      .evaluate = [](const EvaluateCall& call) { return Tensors{constant_tensor(call.attributes())}; },
  };
}

}  // namespace edgeopt
