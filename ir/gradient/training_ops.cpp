#include "ir/gradient/training_ops.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.h"

namespace edgeopt {

void require_dims_of_result(const Tensor& dy, const Dims& result) {
  require_dims_of_result(operand(dy.dtype(), to_shape(dy.dims())), to_shape(result));
}

void require_dims_of_result(const Operand& dy, const std::optional<Shape>& result) {
  if (!dy.has_shape() || !result) return;
  const auto may_be_equal = [](const Dim& a, const Dim& b) {
    return !a.is_number() || !b.is_number() || a.size == b.size;
  };
  if (!std::ranges::equal(dy.shape(), *result, may_be_equal))
    throw UserError(fmt::format("the gradient has shape {}, but the result {}", to_string(dy.shape()),
                                to_string(*result)));
}

Node forward_node(const Node& gradient, const std::string& op_type) {
  Node node = gradient;
  node.op_type = op_type;
  node.domain = "";
  node.inputs.erase(node.inputs.begin());
  require_inputs(*find_op(node), node);
  return node;
}

InferRule infer_gradient_of(const std::string& op_type) {
  return [op_type](const InferCall& call) {
    const Node node = forward_node(call.node, op_type);
    const std::vector<Operand> results =
        find_op(node)->infer({.node = node, .opset = training_opset, .inputs = call.inputs.subspan(1)});
    if (!results.empty()) require_dims_of_result(call.inputs[0], results[0].type.shape);
    return infer_gradient_of_x(call);
  };
}

std::vector<Operand> infer_gradient_like_x(const InferCall& call) {
  require_dims_of_result(call.inputs[0], call.inputs[1].type.shape);
  return infer_gradient_of_x(call);
}

}  // namespace edgeopt
