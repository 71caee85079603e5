// Operators that move elements: <operator>Gradient(dy, x, the operator's other inputs) adds each element of
// dy to the element of dx that it was read from. Where from, the operator itself says: it is run on the
// numbers of x's elements. In training graphs.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Fills with -1, which is no element.
constexpr std::int64_t no_element = -1;

Tensor numbered(const Dims& dims) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(element_count(dims)));
  std::iota(numbers.begin(), numbers.end(), 0);
  return int64_tensor(numbers).reshaped(dims);
}

// Which element of x each element of dy came from.
std::vector<std::int64_t> sources(const EvaluateCall& call, const std::string& op_type) {
  Node node = forward_node(call.node, op_type);
  Tensors inputs(call.inputs.begin() + 1, call.inputs.end());
  inputs[0] = numbered(inputs[0].dims());

  if (op_type == "Pad") {
    node.inputs.resize(std::max<std::size_t>(node.inputs.size(), 3), ValueId::none);
    inputs.resize(node.inputs.size());
    inputs[2] = Tensor::scalar(no_element);
  }
  return to_int64s(find_op(node)->evaluate({.node = node, .opset = training_opset, .inputs = inputs})[0]);
}

Tensors evaluate(const EvaluateCall& call, const std::string& op_type) {
  const std::vector<std::int64_t> from = sources(call, op_type);
  const std::vector<double> dy = to_doubles(call.inputs[0]);
  if (dy.size() != from.size()) throw UserError("dy does not have the dims of the operator's result");
  std::vector<double> dx(static_cast<std::size_t>(call.inputs[1].element_count()), 0);
  for (std::size_t i = 0; i < dy.size(); ++i)
    if (from[i] != no_element) dx[static_cast<std::size_t>(from[i])] += dy[i];
  return {from_doubles(call.inputs[0].dtype(), call.inputs[1].dims(), dx)};
}

OpDefinition gradient_of(const std::string& op_type) {
  return {
      .name = op_type + "Gradient",
      .domain = training_domain,
      .required_inputs = 2,
      .infer = infer_gradient_of(op_type),
      .evaluate = [op_type](const EvaluateCall& call) { return evaluate(call, op_type); },
      .count_cost = operations_per_output(1),
  };
}

}  // namespace

std::vector<OpDefinition> move_gradient_table() {
  std::vector<OpDefinition> ops;
  for (const char* op_type : {"Slice", "Gather", "GatherElements", "GatherND", "Pad", "Tile", "DepthToSpace"})
    ops.push_back(gradient_of(op_type));
  return ops;
}

}  // namespace edgeopt
