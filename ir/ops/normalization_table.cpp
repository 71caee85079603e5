// y = (x - mean) / sqrt(variance + epsilon) * scale + bias, where mean and variance are taken over each group
// of elements of one sample; the operators differ in the groups and in which scale an element gets.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Group {
  double mean = 0;
  double inverse_deviation = 1;
};

struct Normalized {
  std::vector<double> elements;
  std::vector<Group> groups;
};

// Groups of consecutive elements. Without centering the mean is taken as 0.
Normalized normalize(std::vector<double> x, std::size_t group_count, double epsilon, bool is_centered) {
  Normalized result{std::move(x), std::vector<Group>(group_count)};
  const std::size_t size = group_count == 0 ? 0 : result.elements.size() / group_count;
  for (std::size_t g = 0; g < group_count; ++g) {
    const std::span<double> elements = std::span(result.elements).subspan(g * size, size);
    Group& group = result.groups[g];
    for (const double element : elements) group.mean += is_centered ? element / static_cast<double>(size) : 0;
    double variance = 0;
    for (const double element : elements)
      variance += (element - group.mean) * (element - group.mean) / static_cast<double>(size);
    group.inverse_deviation = 1 / std::sqrt(variance + epsilon);
    for (double& element : elements) element = (element - group.mean) * group.inverse_deviation;
  }
  return result;
}

double epsilon_of(const EvaluateCall& call) { return call.attributes().get_float("epsilon", 1e-5F); }

std::size_t axis_of(const EvaluateCall& call) {
  return static_cast<std::size_t>(
      normalize_axis(call.attributes().get_int("axis", -1), call.inputs[0].rank()));
}

std::size_t outer_count(const Dims& dims, std::size_t axis) {
  return static_cast<std::size_t>(element_count(std::span(dims).first(axis)));
}

// Multiplied by and added to with numpy broadcasting, as the function body of the spec does.
Tensor scaled(const EvaluateCall& call, const std::vector<double>& elements) {
  const Tensor& x = call.inputs[0];
  const auto parameter = [&](std::size_t index, double otherwise) {
    if (!call.has_input(index)) return std::vector<double>(elements.size(), otherwise);
    return to_doubles(expanded(call.inputs[index], x.dims()));
  };
  const std::vector<double> scale = parameter(1, 1);
  const std::vector<double> bias = parameter(2, 0);
  std::vector<double> result(elements.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = elements[i] * scale[i] + bias[i];
  return from_doubles(x.dtype(), x.dims(), result);
}

Dims statistics_dims(const Dims& dims, std::size_t axis) {
  Dims result = dims;
  for (std::size_t i = axis; i < result.size(); ++i) result[i] = 1;
  return result;
}

DataType statistics_type(const Attributes& attributes) {
  return static_cast<DataType>(
      attributes.get_int("stash_type", static_cast<std::int64_t>(DataType::float32)));
}

Tensors layer_normalization(const EvaluateCall& call) {
  const Dims& dims = call.inputs[0].dims();
  const std::size_t axis = axis_of(call);
  const Normalized normalized =
      normalize(to_doubles(call.inputs[0]), outer_count(dims, axis), epsilon_of(call), true);
  std::vector<double> means;
  std::vector<double> inverse_deviations;
  for (const Group& group : normalized.groups) {
    means.push_back(group.mean);
    inverse_deviations.push_back(group.inverse_deviation);
  }
  const DataType dtype = statistics_type(call.attributes());
  const Dims per_group = statistics_dims(dims, axis);
  return {scaled(call, normalized.elements), from_doubles(dtype, per_group, means),
          from_doubles(dtype, per_group, inverse_deviations)};
}

std::vector<Operand> infer_layer_normalization(const InferCall& call) {
  std::vector<Operand> outputs = same_shape_as_input(call);
  std::optional<Shape> statistics = call.inputs[0].type.shape;
  if (statistics) {
    const std::int64_t axis = normalize_axis(call.attributes().get_int("axis", -1), statistics->size());
    for (auto i = static_cast<std::size_t>(axis); i < statistics->size(); ++i) (*statistics)[i] = 1;
  }
  outputs.push_back(operand(statistics_type(call.attributes()), statistics));
  outputs.push_back(outputs.back());
  return outputs;
}

// Group = everything from the axis on; divided by the root of the mean square, not centered.
Tensors rms_normalization(const EvaluateCall& call) {
  const std::size_t groups = outer_count(call.inputs[0].dims(), axis_of(call));
  return {scaled(call, normalize(to_doubles(call.inputs[0]), groups, epsilon_of(call), false).elements)};
}

// Element i of the result belongs to channel i: a parameter given per group is repeated.
Tensor per_channel(const Tensor& parameter, std::int64_t channel_count) {
  if (parameter.element_count() == 0 || channel_count % parameter.element_count() != 0)
    throw UserError("scale and bias must have one element per channel (or per group)");
  const std::int64_t repeat = channel_count / parameter.element_count();
  std::vector<std::int64_t> indexes;
  for (std::int64_t i = 0; i < channel_count; ++i) indexes.push_back(i / repeat);
  return pick_elements(parameter, {channel_count}, indexes);
}

// Scale and bias along axis 1.
Tensor scaled_channels(const EvaluateCall& call, const std::vector<double>& elements) {
  const Dims& dims = call.inputs[0].dims();
  Dims along_channels(dims.size() - 1, 1);
  along_channels[0] = dims[1];
  const Tensors inputs = {call.inputs[0], per_channel(call.inputs[1], dims[1]).reshaped(along_channels),
                          per_channel(call.inputs[2], dims[1]).reshaped(along_channels)};
  return scaled(EvaluateCall{.node = call.node, .opset = call.opset, .inputs = inputs}, elements);
}

void require_channels(const EvaluateCall& call) {
  if (call.inputs[0].rank() < 2) throw UserError("the input must have a batch and a channel axis");
}

Tensors instance_normalization(const EvaluateCall& call) {
  require_channels(call);
  const std::size_t groups = outer_count(call.inputs[0].dims(), 2);
  return {
      scaled_channels(call, normalize(to_doubles(call.inputs[0]), groups, epsilon_of(call), true).elements)};
}

Tensors group_normalization(const EvaluateCall& call) {
  require_channels(call);
  const std::int64_t group_count = call.attributes().get_int("num_groups", 0);
  const Dims& dims = call.inputs[0].dims();
  if (group_count <= 0 || dims[1] % group_count != 0)
    throw UserError("num_groups must divide the number of channels");
  const auto groups = static_cast<std::size_t>(dims[0] * group_count);
  return {
      scaled_channels(call, normalize(to_doubles(call.inputs[0]), groups, epsilon_of(call), true).elements)};
}

// (dx, dscale) = <operator>Gradient(dy, x, scale); dbias is dy summed.
std::vector<ValueId> parameter_gradients(const GradientCall& call, ValueId dbias) {
  require_first_output(call);
  std::vector<ValueId> gradients =
      emit_training(call,
                    {.op_type = call.node.op_type + "Gradient",
                     .inputs = {call.output_gradients[0], call.node.inputs[0], call.node.inputs[1]},
                     .attributes = call.attributes()},
                    {call.wants(0), call.wants(1)});
  gradients.resize(2, ValueId::none);
  gradients.push_back(dbias);
  return gradients;
}

std::vector<ValueId> layer_gradient(const GradientCall& call) {
  return parameter_gradients(call,
                             call.wants(2) ? sum_to_input(call, call.output_gradients[0], 2) : ValueId::none);
}

// Below opset 21 GroupNormalization has a scale and a bias per group.
std::vector<ValueId> channel_gradient(const GradientCall& call) {
  if (!call.wants(2)) return parameter_gradients(call, ValueId::none);
  const ValueId x = call.node.inputs[0];
  const ValueId per_channel = sum_channels(call, call.output_gradients[0], rank_of(call, x));
  if (!call.node.is("GroupNormalization") || call.opset >= 21) return parameter_gradients(call, per_channel);
  const std::int64_t groups = call.attributes().get_int("num_groups", 0);
  const ValueId grouped = emit(call, "Reshape", {per_channel, int_list(call, {groups, -1})});
  const ValueId sums = emit(call, "ReduceSum", {grouped, int_list(call, {1})}, {{"keepdims", 0}});
  return parameter_gradients(call, sums);
}

// With n = x / rms and g = dy * scale:  dx = (g - n * mean(g * n)) / rms,  dscale = dy * n summed.
std::vector<ValueId> rms_gradient(const GradientCall& call) {
  const ValueId x = call.node.inputs[0], scale = call.node.inputs[1], dy = call.output_gradients[0];
  const auto rank = static_cast<std::int64_t>(rank_of(call, x));
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = normalize_axis(call.attributes().get_int("axis", -1), rank_of(call, x));
       axis < rank; ++axis)
    axes.push_back(axis);
  const auto product = [&](ValueId a, ValueId b) { return emit(call, "Mul", {a, b}); };
  const auto mean = [&](ValueId value) { return emit(call, "ReduceMean", {value, int_list(call, axes)}); };
  const ValueId epsilon = number(call, call.attributes().get_float("epsilon", 1e-5F));
  const ValueId rms = emit(call, "Sqrt", {emit(call, "Add", {mean(product(x, x)), epsilon})});
  const ValueId n = emit(call, "Div", {x, rms});
  return for_wanted(call, [&](std::size_t input) {
    if (input == 1) return sum_to_input(call, product(dy, n), 1);
    const ValueId g = product(dy, scale);
    const ValueId rest = emit(call, "Sub", {g, product(n, mean(product(g, n)))});
    return emit(call, "Div", {rest, rms});
  });
}

struct NormalizationRules {
  std::vector<int> versions;
  int required_inputs;
  EvaluateRule evaluate;
};

OpDefinition normalization(std::string name, NormalizationRules rules) {
  return {
      .name = std::move(name),
      .versions = std::move(rules.versions),
      .required_inputs = rules.required_inputs,
      .infer = same_shape_as_input,
      .evaluate = std::move(rules.evaluate),
      // Two passes for the moments, one to normalize, one to scale; an addition and a product each.
      .count_cost = operations_per_output(8),
  };
}

// Whatever is normalized together stays: everything from the axis on.
std::vector<TiedDims> dims_before_axis(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  const std::int64_t first =
      normalize_axis(call.attributes().get_int("axis", -1), call.inputs[0].shape().size());
  return passing_ties(call, [&](std::size_t axis) { return static_cast<std::int64_t>(axis) < first; });
}

OpDefinition with_tied_dims(OpDefinition op, TiedDimsRule rule) {
  op.tied_dims = std::move(rule);
  return op;
}

OpDefinition layer_normalization_definition() {
  OpDefinition op = normalization("LayerNormalization", {{17}, 2, layer_normalization});
  op.infer = infer_layer_normalization;
  op.gradient = layer_gradient;
  op.tied_dims = dims_before_axis;
  return op;
}

OpDefinition instance_normalization_definition() {
  OpDefinition op = normalization("InstanceNormalization", {{1, 6, 22}, 3, instance_normalization});
  op.gradient = channel_gradient;
  op.tied_dims = [](const InferCall&) {
    return std::vector<TiedDims>{{{{.operand = 0, .axis = 1},
                                   {.operand = 1, .axis = 0},
                                   {.operand = 2, .axis = 0},
                                   {.is_output = true, .operand = 0, .axis = 1}}}};
  };
  return op;
}

}  // namespace

std::vector<OpDefinition> normalization_table() {
  return {
      layer_normalization_definition(),
      with_tied_dims(
          differentiable(normalization("RMSNormalization", {{23}, 2, rms_normalization}), rms_gradient),
          dims_before_axis),
      instance_normalization_definition(),
      // Channels of a group are normalized together.
      with_tied_dims(differentiable(normalization("GroupNormalization", {{18, 21}, 3, group_normalization}),
                                    channel_gradient),
                     [](const InferCall& call) {
                       return passing_ties(call, [](std::size_t axis) { return axis == 0; });
                     }),
  };
}

}  // namespace edgeopt
