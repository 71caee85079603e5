#include "ir/gradient/gradient_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ir/rules/subgraph_rules.h"
#include "support/error.h"

namespace edgeopt {

ValueId emit(const GradientCall& call, std::string op_type, std::vector<ValueId> inputs,
             Attributes attributes) {
  return call.edit.add_node(std::move(op_type), std::move(inputs), std::move(attributes));
}

ValueId emit_training(const GradientCall& call, std::string op_type, std::vector<ValueId> inputs,
                      Attributes attributes) {
  return call.edit.add_node({.op_type = std::move(op_type),
                             .inputs = std::move(inputs),
                             .attributes = std::move(attributes),
                             .domain = training_domain})[0];
}

std::vector<ValueId> emit_training(const GradientCall& call, NodeSpec spec,
                                   const std::vector<bool>& is_wanted) {
  if (std::ranges::count(is_wanted, true) == 0) return {};
  spec.domain = training_domain;
  spec.output_count = static_cast<int>(is_wanted.size());
  while (!is_wanted[static_cast<std::size_t>(spec.output_count) - 1]) --spec.output_count;
  for (std::size_t i = 0; i < static_cast<std::size_t>(spec.output_count); ++i)
    if (!is_wanted[i]) spec.left_out_outputs.push_back(i);
  return call.edit.add_node(std::move(spec));
}

ValueId number(const GradientCall& call, double value, ValueId like) {
  return call.edit.add_constant(from_doubles(dtype_of(call, like), {}, {value}));
}

ValueId number(const GradientCall& call, double value) { return number(call, value, call.node.input(0)); }

ValueId int_list(const GradientCall& call, const std::vector<std::int64_t>& elements) {
  return call.edit.add_constant(int64_tensor(elements));
}

ValueId dims_of(const GradientCall& call, ValueId value) {
  if (const std::optional<Dims> dims = call.graph.static_dims_of(value)) return int_list(call, *dims);
  return emit(call, "Shape", {value});
}

ValueId filled_like(Edit& edit, const Graph& graph, ValueId like, double value) {
  const DataType dtype = graph.type_of(like).dtype;
  const std::optional<Dims> dims = graph.static_dims_of(like);
  const ValueId shape = dims ? edit.add_constant(int64_tensor(*dims)) : edit.add_node("Shape", {like});
  return edit.add_node("ConstantOfShape", {shape}, {{"value", from_doubles(dtype, {1}, {value})}});
}

DataType dtype_of(const GradientCall& call, ValueId value) {
  const DataType dtype = call.graph.type_of(value).dtype;
  if (dtype == DataType::undefined) reject_gradient(call, "a value of unknown element type");
  return dtype;
}

std::size_t rank_of(const GradientCall& call, ValueId value) {
  const ValueType& type = call.graph.type_of(value);
  if (!type.shape)
    reject_gradient(call, fmt::format("'{}', whose rank is unknown", call.graph.name_of(value)));
  return type.shape->size();
}

void reject_gradient(const GradientCall& call, const std::string& what) {
  throw UserError(
      fmt::format("node '{}' ({}): there is no gradient for {}", call.node.name, call.node.op_type, what));
}

void require_repeatable_subgraphs(const GradientCall& call) {
  if (!is_repeatable(call.node)) reject_gradient(call, "random or unknown operators in its subgraphs");
}

void require_first_output(const GradientCall& call) {
  for (std::size_t i = 1; i < call.output_gradients.size(); ++i)
    if (call.output_gradients[i] != ValueId::none)
      reject_gradient(call, fmt::format("its output {}, on which the result depends", i));
}

ValueId sum_to_input(const GradientCall& call, ValueId gradient, std::size_t input) {
  const ValueId like = call.node.inputs[input];
  const std::optional<Shape>& from = call.graph.type_of(call.node.outputs[0]).shape;
  const std::optional<Shape>& to = call.graph.type_of(like).shape;
  if (from && to && std::ranges::equal(*from, *to, is_surely_equal)) return gradient;
  return emit_training(call, "SumTo", {gradient, like});
}

ValueId sum_channels(const GradientCall& call, ValueId gradient, std::size_t rank) {
  std::vector<std::int64_t> axes{0};
  for (std::size_t axis = 2; axis < rank; ++axis) axes.push_back(static_cast<std::int64_t>(axis));
  return emit(call, "ReduceSum", {gradient, int_list(call, axes)}, {{"keepdims", 0}});
}

// One open dim may be written as -1, which needs no other value.
ValueId reshape_to_input(const GradientCall& call, ValueId gradient) {
  const std::optional<Shape>& shape = call.graph.type_of(call.node.inputs[0]).shape;
  const auto is_open = [](const Dim& dim) { return !dim.is_number(); };
  const bool fits =
      shape && std::ranges::count_if(*shape, is_open) <= 1 && std::ranges::count(*shape, Dim(0)) == 0;
  if (!fits) return emit(call, "Reshape", {gradient, dims_of(call, call.node.inputs[0])});
  std::vector<std::int64_t> wanted;
  for (const Dim& dim : *shape) wanted.push_back(is_open(dim) ? -1 : dim.size);
  return emit(call, "Reshape", {gradient, int_list(call, wanted)});
}

std::vector<ValueId> for_wanted(const GradientCall& call, const std::function<ValueId(std::size_t)>& f) {
  std::vector<ValueId> gradients(call.node.inputs.size(), ValueId::none);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (call.wants(i)) gradients[i] = f(i);
  return gradients;
}

GradientRule first_input_gradient(std::function<ValueId(const GradientCall& call, ValueId dy)> f) {
  return [f = std::move(f)](const GradientCall& call) -> std::vector<ValueId> {
    require_first_output(call);
    for (std::size_t i = 1; i < call.node.inputs.size(); ++i)
      if (call.wants(i)) reject_gradient(call, fmt::format("its input {}", i));
    return {f(call, call.output_gradients[0])};
  };
}

std::vector<Operand> infer_gradient_of_x(const InferCall& call) {
  return {operand(call.inputs[0].type.dtype, call.inputs[1].type.shape)};
}

GradientRule own_gradient_operator() {
  return first_input_gradient([](const GradientCall& call, ValueId dy) {
    return emit_training(call, call.node.op_type + "Gradient", {dy, call.node.inputs[0]}, call.attributes());
  });
}

GradientRule move_gradient() {
  return first_input_gradient([](const GradientCall& call, ValueId dy) {
    std::vector<ValueId> inputs = call.node.inputs;
    inputs.insert(inputs.begin(), dy);
    return emit_training(call, call.node.op_type + "Gradient", std::move(inputs), call.attributes());
  });
}

GradientRule zero_gradient() {
  return [](const GradientCall&) { return std::vector<ValueId>{}; };
}

OpDefinition differentiable(OpDefinition op, GradientRule rule) {
  op.gradient = std::move(rule);
  return op;
}

}  // namespace edgeopt
