#include "ir/gradient/scan_gradient.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/gradient/repetition_gradient.h"
#include "ir/rules/subgraph_rules.h"

namespace edgeopt {
namespace {

std::vector<ValueType> types_of(const Graph& graph, std::span<const ValueId> values) {
  std::vector<ValueType> types;
  for (const ValueId id : values) types.push_back(id == ValueId::none ? ValueType() : graph.type_of(id));
  return types;
}

// The type of one slice along an axis.
ValueType slice_type(ValueType type, std::int64_t axis) {
  if (type.shape) {
    const auto along = normalize_axis(axis, type.shape->size());
    type.shape->erase(type.shape->begin() + along);
  }
  return type;
}

// One value per input, then one per capture. The body has an input for every input of the node.
std::vector<ValueId> joined(const GradientCall& call, const Repetition& repetition) {
  const RepetitionGradients found = repetition_gradients(call, repetition);
  std::vector<ValueId> gradients(call.node.inputs.size(), ValueId::none);
  for (std::size_t i = 0; i < repetition.carried.size(); ++i)
    gradients[repetition.carried[i].input] = found.carried[i];
  for (std::size_t i = 0; i < repetition.given.size(); ++i)
    gradients[repetition.given[i].input] = found.given[i];
  gradients.insert(gradients.end(), found.captures.begin(), found.captures.end());
  return gradients;
}

ValueId arriving_at(const GradientCall& call, std::size_t output) {
  return output < call.output_gradients.size() ? call.output_gradients[output] : ValueId::none;
}

// Whether two shapes of one value in different runs must differ.
bool surely_differ(const Shape& a, const Shape& b) {
  if (a.size() != b.size()) return true;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].is_number() && b[i].is_number() && a[i].size != b[i].size) return true;
  return false;
}

Graph loop_body(const Graph& graph, const Node& node) {
  std::vector<ValueType> types = types_of(graph, node.inputs);
  types.resize(std::max<std::size_t>(types.size(), 2));
  types[0] = {.dtype = DataType::int64, .shape = Shape{}};
  types[1] = {.dtype = DataType::boolean, .shape = Shape{}};
  return body_with_input_types(body_of(node.attributes), types);
}

std::optional<std::string> obstacle_in(const Graph& graph, const Node& node, const Graph& body) {
  for (std::size_t i = 2; i < node.inputs.size(); ++i) {
    const ValueType &before = graph.type_of(node.inputs[i]), &after = body.type_of(body.outputs()[i - 1]);
    if (!before.is_tensor()) return fmt::format("its carried value {}, which is no tensor", i - 2);
    if (before.shape && after.shape && surely_differ(*before.shape, *after.shape))
      return fmt::format("its carried value {}, whose shape changes from {} to {}", i - 2,
                         to_string(*before.shape), to_string(*after.shape));
  }
  return std::nullopt;
}

}  // namespace

std::vector<ValueId> scan_gradient(const GradientCall& call) {
  const std::vector<ValueId>& inputs = call.node.inputs;
  const ScanLayout layout = scan_layout(call.attributes(), inputs.size(), body_of(call.attributes()));
  std::vector<ValueType> types = types_of(call.graph, inputs);
  for (std::size_t i = 0; i < layout.scan_inputs; ++i)
    types[layout.states + i] = slice_type(types[layout.states + i], layout.input_axes[i]);
  Repetition repetition{.body = body_with_input_types(body_of(call.attributes()), types),
                        .carried_count = layout.states};
  for (std::size_t i = 0; i < layout.states; ++i) {
    repetition.recorded.push_back(i);
    if (is_floating_point(dtype_of(call, inputs[i])))
      repetition.carried.push_back(
          {.input = i, .output = i, .first = inputs[i], .gradient = arriving_at(call, i)});
  }
  for (std::size_t i = 0; i < layout.scan_inputs; ++i) {
    const std::size_t input = layout.states + i;
    repetition.given.push_back({.input = input,
                                .slices = {.value = inputs[input],
                                           .axis = layout.input_axes[i],
                                           .is_reversed = layout.input_directions[i] != 0},
                                .is_wanted = call.wants(input)});
  }
  for (std::size_t i = 0; i < layout.scan_outputs; ++i)
    if (const ValueId dy = arriving_at(call, layout.states + i); dy != ValueId::none)
      repetition.scanned.push_back(
          {.output = layout.states + i,
           .gradient = {
               .value = dy, .axis = layout.output_axes[i], .is_reversed = layout.output_directions[i] != 0}});
  return joined(call, repetition);
}

std::vector<ValueId> loop_gradient(const GradientCall& call) {
  const std::vector<ValueId>& inputs = call.node.inputs;
  Repetition repetition{.body = loop_body(call.graph, call.node), .recorded = {0, 1}, .kept_recorded = {0}};
  if (const auto obstacle = obstacle_in(call.graph, call.node, repetition.body))
    reject_gradient(call, *obstacle);
  for (std::size_t i = 2; i < inputs.size(); ++i) {
    repetition.recorded.push_back(i);
    ++repetition.carried_count;
    if (is_floating_point(dtype_of(call, inputs[i])))
      repetition.carried.push_back(
          {.input = i, .output = i - 1, .first = inputs[i], .gradient = arriving_at(call, i - 2)});
  }
  for (std::size_t i = repetition.carried_count; i < call.node.outputs.size(); ++i)
    if (const ValueId dy = arriving_at(call, i); dy != ValueId::none)
      repetition.scanned.push_back({.output = i + 1, .gradient = {.value = dy}});
  return joined(call, repetition);
}

std::optional<std::string> loop_gradient_obstacle(const Graph& graph, const Node& node) {
  return obstacle_in(graph, node, loop_body(graph, node));
}

}  // namespace edgeopt
