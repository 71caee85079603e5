#include "runtime/shaped_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/evaluate.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Results up to this size are computed at once because shape rules may ask for them; larger ones (weights)
// only when a kernel does.
constexpr std::int64_t largest_eager_constant = 1024;  // elements

bool can_fold(const Graph& graph, const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op || !op->evaluate || !op->is_deterministic || !node.captures.empty()) return false;
  for (const auto& [name, attribute] : node.attributes)
    if (std::holds_alternative<GraphPtr>(attribute.data)) return false;
  return graph.opset(node.domain) > 0 || node.domain.empty();
}

std::optional<Tensor> tensor_of_elements(const Operand& operand) {
  const auto elements = operand.elements ? static_dims(*operand.elements) : std::nullopt;
  if (!elements || operand.type.dtype != DataType::int64 || !operand.has_shape()) return std::nullopt;
  const Tensor flat = int64_tensor(*elements);
  return operand.shape().empty() ? flat.reshaped({}) : flat;
}

Operand operand_of(const Tensor& constant) {
  Operand result = operand(constant.dtype(), to_shape(constant.dims()));
  result.constant = constant;
  return result;
}

}  // namespace

ValueType tensor_type(DataType dtype, const Dims& dims) { return {.dtype = dtype, .shape = to_shape(dims)}; }

ShapedGraph::ShapedGraph(const Graph& graph, const std::vector<Dims>& input_dims) : graph_(graph) {
  const std::vector<ValueId> values = graph.values();
  if (!values.empty()) facts_.resize(static_cast<std::size_t>(values.back()) + 1);
  for (const ValueId id : values)
    if (const auto& constant = graph.value(id).constant)
      facts(id) = {.operand = operand_of(*constant), .is_constant = true};
  const std::vector<ValueId> required = required_inputs(graph);
  for (std::size_t i = 0; i < required.size(); ++i)
    facts(required[i]).operand.type = tensor_type(graph.type_of(required[i]).dtype, input_dims[i]);
  for (const NodeId id : graph_.nodes()) describe(graph_.node(id));
}

std::vector<Operand> ShapedGraph::operands(const Node& node) const {
  std::vector<Operand> result;
  for (const ValueId input : node.inputs) {
    result.push_back(input == ValueId::none ? Operand() : facts(input).operand);
    result.back().is_present = input != ValueId::none;
  }
  return result;
}

void ShapedGraph::describe_constant_outputs(const Node& node) {
  std::int64_t input_count = 0;
  bool is_known = true;
  for (const ValueId input : node.inputs)
    if (input != ValueId::none) {
      is_known = is_known && facts(input).operand.constant;
      if (is_known) input_count += facts(input).operand.constant->element_count();
    }
  const bool is_sized = std::all_of(node.outputs.begin(), node.outputs.end(),
                                    [&](ValueId id) { return id == ValueId::none || form(id); });
  for (const ValueId output : node.outputs)
    if (output != ValueId::none) facts(output).is_constant = true;
  if (is_sized && (!is_known || input_count > largest_eager_constant)) return;
  for (const ValueId output : node.outputs)
    if (output != ValueId::none && !constant(output)) facts(output).is_constant = false;
}

void ShapedGraph::describe(const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op) return;
  const std::vector<Operand> known = operands(node);
  std::vector<Operand> outputs;
  if (op->infer)
    outputs = while_doing(fmt::format("node '{}' ({})", node.name, node.op_type), [&] {
      return op->infer(InferCall{.node = node, .opset = graph_.opset(node.domain), .inputs = known});
    });
  outputs.resize(node.outputs.size());
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == ValueId::none) continue;
    Facts& output = facts(node.outputs[i]);
    output.operand = std::move(outputs[i]);
    output.operand.constant.reset();
    if (auto tensor = tensor_of_elements(output.operand)) output = {operand_of(*tensor), true};
  }
  const bool is_constant = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
    return id == ValueId::none || facts(id).is_constant;
  });
  if (is_constant && can_fold(graph_, node)) describe_constant_outputs(node);
}

Tensors ShapedGraph::fold(const Node& node) const {
  Tensors inputs;
  for (const ValueId input : node.inputs)
    inputs.push_back(input == ValueId::none ? Tensor() : constant(input).value());
  return while_doing(fmt::format("node '{}' ({})", node.name, node.op_type),
                     [&] { return evaluate_node(graph_, node, inputs); });
}

std::optional<TensorForm> ShapedGraph::form(ValueId id) const {
  const Operand& operand = facts(id).operand;
  // Elements without a size of their own (strings) have no place in the arena.
  if (bit_count(operand.constant ? operand.constant->dtype() : operand.type.dtype) == 0) return std::nullopt;
  if (operand.constant) return TensorForm{operand.constant->dtype(), operand.constant->dims()};
  if (!operand.has_shape() || !operand.type.is_tensor()) return std::nullopt;
  const auto dims = static_dims(operand.shape());
  if (!dims) return std::nullopt;
  return TensorForm{operand.type.dtype, *dims};
}

std::optional<Tensor> ShapedGraph::constant(ValueId id) const {
  if (!is_constant(id)) return std::nullopt;
  if (!facts(id).operand.constant) {
    const Node& node = *graph_.producer(id);
    const Tensors results = fold(node);
    for (std::size_t i = 0; i < std::min(results.size(), node.outputs.size()); ++i)
      if (node.outputs[i] != ValueId::none)
        facts_[static_cast<std::size_t>(node.outputs[i])].operand = operand_of(results[i]);
  }
  return facts(id).operand.constant;
}

}  // namespace edgeopt
