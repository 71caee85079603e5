#include "ir/infer.h"

#include <fmt/format.h>

#include <unordered_map>

#include "ir/edit.h"
#include "ir/op.h"
#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Longer integer tensors are data, not shapes on their way to Reshape.
constexpr std::int64_t longest_shape = 64;

using ElementsOf = std::unordered_map<std::int32_t, Shape>;

std::optional<Shape> elements_of_constant(const Tensor& tensor) {
  if (tensor.dtype() != DataType::int64 && tensor.dtype() != DataType::int32) return std::nullopt;
  if (tensor.element_count() > longest_shape || tensor.rank() > 1) return std::nullopt;
  Shape elements;
  for (const std::int64_t element : to_int64s(tensor)) {
    if (element < 0) return std::nullopt;
    elements.emplace_back(element);
  }
  return elements;
}

Operand operand_of(const Graph& graph, ValueId id, const ElementsOf& known) {
  Operand result;
  result.is_present = id != ValueId::none;
  if (!result.is_present) return result;
  result.type = graph.type_of(id);
  result.constant = graph.constant(id);
  if (result.constant) {
    result.type.dtype = result.constant->dtype();
    result.type.shape = to_shape(result.constant->dims());
    result.elements = elements_of_constant(*result.constant);
  } else if (const auto found = known.find(static_cast<std::int32_t>(id)); found != known.end()) {
    result.elements = found->second;
  }
  return result;
}

std::vector<Operand> operands_of(const Graph& graph, const Node& node, const ElementsOf& known) {
  std::vector<Operand> operands;
  for (const ValueId input : node.inputs) operands.push_back(operand_of(graph, input, known));
  return operands;
}

std::vector<Operand> infer_outputs(const Graph& graph, const Node& node, const ElementsOf& known) {
  const OpDefinition* op = find_op(node);
  if (!op || !op->infer) return {};
  const std::vector<Operand> operands = operands_of(graph, node, known);
  return while_doing(fmt::format("node '{}' ({})", node.name, node.op_type), [&] {
    require_inputs(*op, node);
    std::vector<Operand> outputs =
        op->infer(InferCall{.node = node, .opset = graph.opset(node.domain), .inputs = operands});
    for (const Operand& output : outputs)
      if (output.has_shape()) require_sensible(output.shape());
    return outputs;
  });
}

Dim sharper(const Dim& declared, const Dim& inferred) {
  if (declared.is_number() || inferred.is_unknown()) return declared;
  return inferred.is_number() || declared.is_unknown() ? inferred : declared;
}

Graph typed_subgraph(const Graph& subgraph, const Graph& outer, const Node& owner) {
  Edit edit(subgraph);
  for (const ValueId captured : subgraph.captured())
    for (const Capture& capture : owner.captures)
      if (capture.name == subgraph.name_of(captured))
        edit.set_type(captured, outer.type_of(capture.value), false);
  if (subgraph.header().opset_imports.empty()) {
    ModelHeader header = subgraph.header();
    header.opset_imports = outer.header().opset_imports;
    header.ir_version = outer.header().ir_version;
    edit.set_header(std::move(header));
  }
  return with_inferred_types(edit.apply());
}

Attributes with_typed_subgraphs(const Graph& graph, const Node& node) {
  Attributes attributes = node.attributes;
  for (const auto& [name, attribute] : node.attributes)
    if (const auto* subgraph = std::get_if<GraphPtr>(&attribute.data)) {
      Attribute typed = attribute;
      typed.data = std::make_shared<const Graph>(typed_subgraph(**subgraph, graph, node));
      attributes.set(name, std::move(typed));
    }
  return attributes;
}

}  // namespace

void require_sensible(const Shape& shape) {
  for (const Dim& dim : shape)
    if (dim.size > largest_dim)
      throw UserError(fmt::format("the shape {} has a dim of more than 2^48", to_string(shape)));
}

ValueType sharper(const ValueType& declared, const ValueType& inferred) {
  ValueType result = declared;
  if (!result.is_tensor() || !inferred.is_tensor())
    return result.is_tensor() && result.dtype == DataType::undefined ? inferred : result;
  if (result.dtype == DataType::undefined) result.dtype = inferred.dtype;
  if (!result.shape) {
    result.shape = inferred.shape;
  } else if (inferred.shape && inferred.shape->size() == result.shape->size()) {
    for (std::size_t i = 0; i < result.shape->size(); ++i)
      (*result.shape)[i] = sharper((*result.shape)[i], (*inferred.shape)[i]);
  }
  return result;
}

std::optional<std::vector<std::int64_t>> Operand::int_elements() const {
  if (constant && (is_integer(constant->dtype()) || constant->dtype() == DataType::boolean))
    return to_int64s(*constant);
  return elements ? static_dims(*elements) : std::nullopt;
}

Operand operand(DataType dtype, std::optional<Shape> shape) {
  return {.type = {.dtype = dtype, .shape = std::move(shape)}};
}

std::vector<Operand> operands_of(const Graph& graph, const Node& node) {
  return operands_of(graph, node, {});
}

std::vector<ValueType> infer_output_types(const Graph& graph, const Node& node) {
  std::vector<ValueType> types(node.outputs.size());
  const std::vector<Operand> outputs = infer_outputs(graph, node, {});
  for (std::size_t i = 0; i < std::min(types.size(), outputs.size()); ++i) types[i] = outputs[i].type;
  return types;
}

std::vector<std::pair<ValueId, Shape>> known_elements(const Graph& graph) {
  std::vector<std::pair<ValueId, Shape>> found;
  ElementsOf known;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    const std::vector<Operand> outputs = infer_outputs(graph, node, known);
    for (std::size_t i = 0; i < std::min(node.outputs.size(), outputs.size()); ++i) {
      if (node.outputs[i] == ValueId::none || !outputs[i].elements) continue;
      known[static_cast<std::int32_t>(node.outputs[i])] = *outputs[i].elements;
      found.emplace_back(node.outputs[i], *outputs[i].elements);
    }
  }
  return found;
}

Graph with_inferred_types(const Graph& graph) {
  Edit edit(graph);
  ElementsOf known;
  for (const NodeId id : graph.nodes()) {
    if (has_subgraph(graph.node(id)))
      edit.set_attributes(id, with_typed_subgraphs(edit.draft(), graph.node(id)));
    const Node& node = edit.draft().node(id);
    const std::vector<Operand> outputs = infer_outputs(edit.draft(), node, known);
    for (std::size_t i = 0; i < std::min(node.outputs.size(), outputs.size()); ++i) {
      const ValueId output = node.outputs[i];
      if (output == ValueId::none) continue;
      const Value& value = edit.draft().value(output);
      edit.set_type(output, sharper(value.type, outputs[i].type), value.is_type_declared);
      if (outputs[i].elements) known[static_cast<std::int32_t>(output)] = *outputs[i].elements;
    }
  }
  return edit.apply();
}

}  // namespace edgeopt
