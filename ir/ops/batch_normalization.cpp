// y = (x - mean) / sqrt(variance + epsilon) * scale + bias, per channel. In training mode mean and variance
// are those of the batch, and the running ones are updated.
#include <algorithm>
#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Below opset 14 the number of outputs says whether the node trains.
bool is_training(const EvaluateCall& call) {
  if (call.opset >= 14) return call.attributes().get_int("training_mode", 0) != 0;
  if (call.output_count() > 1 && call.attributes().get_int("is_test", 0) == 0)
    throw UserError("training-mode BatchNormalization of opsets below 14 is not supported");
  return false;
}

// Per channel; where spatial = 0 (below opset 9) per element of a sample.
bool is_spatial(const EvaluateCall& call) {
  return call.opset >= 9 || call.attributes().get_int("spatial", 1) != 0;
}

// For each element of x the index of its parameters.
std::vector<std::int64_t> parameter_indexes(const Dims& x, bool is_per_channel) {
  Dims parameters = x;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (i == 0 || (is_per_channel && i > 1)) parameters[i] = 1;
  if (x.size() == 1) parameters = {1};
  return broadcast_indexes(parameters, x);
}

struct Moments {
  std::vector<double> mean;
  std::vector<double> variance;
};

Moments batch_moments(const std::vector<double>& x, const std::vector<std::int64_t>& groups,
                      std::size_t group_count) {
  Moments moments{std::vector<double>(group_count), std::vector<double>(group_count)};
  const double per_group = static_cast<double>(x.size()) / static_cast<double>(group_count);
  for (std::size_t i = 0; i < x.size(); ++i)
    moments.mean[static_cast<std::size_t>(groups[i])] += x[i] / per_group;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto group = static_cast<std::size_t>(groups[i]);
    moments.variance[group] += std::pow(x[i] - moments.mean[group], 2) / per_group;
  }
  return moments;
}

// running * momentum + batch * (1 - momentum)
Tensor updated(const Tensor& running, const std::vector<double>& batch, double momentum) {
  std::vector<double> result = to_doubles(running);
  if (result.size() != batch.size())
    throw UserError("scale, bias, mean and variance must have one element per channel");
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = result[i] * momentum + batch[i] * (1 - momentum);
  return from_doubles(running.dtype(), running.dims(), result);
}

void require_parameters(const EvaluateCall& call, const std::vector<std::int64_t>& groups) {
  const std::int64_t wanted = groups.empty() ? 0 : *std::ranges::max_element(groups) + 1;
  for (const Tensor& parameter : call.inputs.subspan(1, 4))
    if (parameter.element_count() < wanted)
      throw UserError("scale, bias, mean and variance must have one element per channel");
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  std::vector<double> elements = to_doubles(x);
  const std::vector<std::int64_t> groups = parameter_indexes(x.dims(), is_spatial(call));
  require_parameters(call, groups);
  const std::vector<double> scale = to_doubles(call.inputs[1]);
  const std::vector<double> bias = to_doubles(call.inputs[2]);
  const Moments moments = is_training(call) ? batch_moments(elements, groups, scale.size())
                                            : Moments{to_doubles(call.inputs[3]), to_doubles(call.inputs[4])};
  const double epsilon = call.attributes().get_float("epsilon", 1e-5F);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto group = static_cast<std::size_t>(groups[i]);
    const double gain = scale[group] / std::sqrt(moments.variance[group] + epsilon);
    elements[i] = (elements[i] - moments.mean[group]) * gain + bias[group];
  }
  Tensors outputs = {from_doubles(x.dtype(), x.dims(), elements)};
  if (is_training(call)) {
    const double momentum = call.attributes().get_float("momentum", 0.9F);
    outputs.push_back(updated(call.inputs[3], moments.mean, momentum));
    outputs.push_back(updated(call.inputs[4], moments.variance, momentum));
  }
  return outputs;
}

std::vector<Operand> infer(const InferCall& call) {
  std::vector<Operand> outputs = same_shape_as_input(call);
  for (const std::size_t statistic : {3, 4, 3, 4})
    outputs.push_back(operand(call.inputs[statistic].type.dtype, call.inputs[statistic].type.shape));
  return outputs;
}

// Channel i of x and y is element i of every parameter.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  TiedDims channels{{{.operand = 0, .axis = 1}, {.is_output = true, .operand = 0, .axis = 1}}};
  for (int parameter = 1; parameter < static_cast<int>(call.inputs.size()); ++parameter)
    channels.dims.push_back({.operand = parameter, .axis = 0});
  return {channels};
}

// (dx, dscale, dbias, dmean, dvariance); a batch's own statistics are part of x's gradient.
std::vector<ValueId> gradient(const GradientCall& call) {
  require_first_output(call);
  const bool trains = call.opset >= 14 && call.attributes().get_int("training_mode", 0) != 0;
  const std::vector<ValueId>& inputs = call.node.inputs;
  std::vector<bool> wanted;
  for (std::size_t i = 0; i < (trains ? 3 : 5); ++i) wanted.push_back(call.wants(i));
  return emit_training(call,
                       {.op_type = "BatchNormalizationGradient",
                        .inputs = {call.output_gradients[0], inputs[0], inputs[1], inputs[3], inputs[4]},
                        .attributes = call.attributes()},
                       wanted);
}

}  // namespace

OpDefinition batch_normalization_op() {
  return {
      .name = "BatchNormalization",
      .versions = {1, 6, 7, 9, 14, 15},
      .required_inputs = 5,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(2),
      .gradient = gradient,
      .tied_dims = tied_dims,
  };
}

}  // namespace edgeopt
