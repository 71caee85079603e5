#include "ir/rules/subgraph_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/rules/move_elements.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<std::int64_t> list_or_zeros(const Attributes& attributes, std::string_view name,
                                        std::size_t count) {
  std::vector<std::int64_t> list = attributes.get_ints(name);
  list.resize(std::max(count, list.size()), 0);
  return list;
}

}  // namespace

bool has_subgraph(const Node& node) {
  return std::ranges::any_of(node.attributes, [](const auto& entry) {
    return std::holds_alternative<GraphPtr>(entry.second.data) ||
           std::holds_alternative<std::vector<GraphPtr>>(entry.second.data);
  });
}

bool is_repeatable(const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op || !op->is_deterministic) return false;
  return std::ranges::all_of(node.attributes, [](const auto& entry) {
    const auto* subgraph = std::get_if<GraphPtr>(&entry.second.data);
    return !subgraph || std::ranges::all_of((*subgraph)->nodes(),
                                            [&](NodeId id) { return is_repeatable((*subgraph)->node(id)); });
  });
}

const Graph& body_of(const Attributes& attributes) {
  const GraphPtr* graph = attributes.get<GraphPtr>("body");
  if (!graph) throw UserError("attribute 'body' is missing");
  return **graph;
}

void require_outputs(const Node& node, std::size_t computed) {
  if (node.outputs.size() > computed)
    throw UserError(
        fmt::format("it has {} outputs, but its subgraphs give {}", node.outputs.size(), computed));
}

void require_operands(std::span<const Operand> inputs, std::size_t first) {
  for (std::size_t i = first; i < inputs.size(); ++i)
    if (!inputs[i].is_present) throw UserError(fmt::format("input {} is left out, but its body reads it", i));
}

Graph without_unused_captures(const Graph& subgraph) {
  Edit edit(subgraph);
  for (const ValueId id : subgraph.captured())
    if (subgraph.uses(id).empty() && !subgraph.is_output(id)) edit.remove_captured(id);
  return edit.apply();
}

std::vector<Capture> captures_of(const Graph& subgraph, const std::vector<Capture>& captures) {
  std::vector<Capture> kept;
  for (const ValueId id : subgraph.captured())
    for (const Capture& capture : captures)
      if (capture.name == subgraph.name_of(id)) kept.push_back(capture);
  return kept;
}

ScanLayout scan_layout(const Attributes& attributes, std::size_t given_inputs, const Graph& body) {
  const auto scan_inputs = static_cast<std::size_t>(attributes.get_int("num_scan_inputs", 0));
  if (body.inputs().size() != given_inputs)
    throw UserError(
        fmt::format("the body has {} inputs, but {} are given", body.inputs().size(), given_inputs));
  if (scan_inputs < 1 || scan_inputs > given_inputs || body.outputs().size() < given_inputs - scan_inputs)
    throw UserError(
        fmt::format("num_scan_inputs is {}, which does not fit {} inputs and a body with {} outputs",
                    scan_inputs, given_inputs, body.outputs().size()));
  ScanLayout layout{.states = given_inputs - scan_inputs, .scan_inputs = scan_inputs};
  layout.scan_outputs = body.outputs().size() - layout.states;
  layout.input_axes = list_or_zeros(attributes, "scan_input_axes", scan_inputs);
  layout.output_axes = list_or_zeros(attributes, "scan_output_axes", layout.scan_outputs);
  // Opset 8 calls it "directions".
  layout.input_directions = list_or_zeros(
      attributes, attributes.find("directions") ? "directions" : "scan_input_directions", scan_inputs);
  layout.output_directions = list_or_zeros(attributes, "scan_output_directions", layout.scan_outputs);
  return layout;
}

Tensor stacked(const Tensors& slices, const ValueType& type, std::int64_t axis) {
  if (slices.empty()) {
    Dims dims;
    if (type.shape)
      for (const Dim& dim : *type.shape) dims.push_back(dim.is_number() ? dim.size : 0);
    dims.insert(dims.begin() + normalize_axis(axis, dims.size() + 1), 0);
    return Tensor(type.dtype, std::move(dims));
  }
  Tensors unsqueezed;
  for (const Tensor& slice : slices) {
    Dims dims = slice.dims();
    dims.insert(dims.begin() + normalize_axis(axis, dims.size() + 1), 1);
    unsqueezed.push_back(slice.reshaped(std::move(dims)));
  }
  return concatenate(unsqueezed, axis);
}

Operand stacked(const ValueType& type, const Dim& size, std::int64_t axis) {
  if (!type.is_tensor() || !type.shape) return operand(type.dtype, std::nullopt);
  Shape shape = *type.shape;
  shape.insert(shape.begin() + normalize_axis(axis, shape.size() + 1), size);
  return operand(type.dtype, std::move(shape));
}

}  // namespace edgeopt
