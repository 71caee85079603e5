// (dx, dscale, dbias, dmean, dvariance) of BatchNormalization from (dy, x, scale, mean, variance). With
// n = (x - mean) / deviation, per channel: dscale = sum(dy * n), dbias = sum(dy), and
//   inference  dx = dy * scale / deviation, dmean = -scale * dbias / deviation,
//              dvariance = -scale * dscale / (2 * deviation^2)
//   training   dx = (dy - mean(dy) - n * mean(dy * n)) * scale / deviation, with the batch's own moments.
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<std::int64_t> channel_indexes(const Dims& x) {
  Dims parameters(x.size(), 1);
  if (x.size() > 1) parameters[1] = x[1];
  return broadcast_indexes(parameters, x);
}

using Doubles = std::vector<double>;

// The sum over each channel's elements of f(i).
template <typename Function>
Doubles channel_sums(const std::vector<std::int64_t>& channels, std::size_t count, Function f) {
  Doubles sums(count, 0);
  for (std::size_t i = 0; i < channels.size(); ++i) sums[static_cast<std::size_t>(channels[i])] += f(i);
  return sums;
}

struct Moments {
  Doubles mean, deviation;
};

Moments moments_of(const EvaluateCall& call, const Doubles& x, const std::vector<std::int64_t>& channels) {
  const bool is_training = call.attributes().get_int("training_mode", 0) != 0;
  Moments moments{to_doubles(call.inputs[3]), to_doubles(call.inputs[4])};
  const std::size_t count = moments.mean.size();
  if (is_training) {
    const double per_channel = static_cast<double>(x.size()) / static_cast<double>(count);
    moments.mean = channel_sums(channels, count, [&](std::size_t i) { return x[i] / per_channel; });
    moments.deviation = channel_sums(channels, count, [&](std::size_t i) {
      return std::pow(x[i] - moments.mean[static_cast<std::size_t>(channels[i])], 2) / per_channel;
    });
  }
  const double epsilon = call.attributes().get_float("epsilon", 1e-5F);
  for (double& variance : moments.deviation) variance = std::sqrt(variance + epsilon);
  return moments;
}

void require_channels(const EvaluateCall& call) {
  const Dims& x = call.inputs[1].dims();
  require_dims_of_result(call.inputs[0], x);
  const std::int64_t channels = x.size() > 1 ? x[1] : 1;
  for (std::size_t i = 2; i < 5; ++i)
    if (call.inputs[i].element_count() != channels)
      throw UserError(fmt::format("input {} has shape {}, but there are {} channels", i,
                                  to_string(call.inputs[i].dims()), channels));
}

Tensors evaluate(const EvaluateCall& call) {
  require_channels(call);
  const Tensor& x = call.inputs[1];
  const std::vector<std::int64_t> channels = channel_indexes(x.dims());
  const Doubles dy = to_doubles(call.inputs[0]), scale = to_doubles(call.inputs[2]);
  Doubles n = to_doubles(x);
  const Moments moments = moments_of(call, n, channels);
  for (std::size_t i = 0; i < n.size(); ++i) {
    const auto c = static_cast<std::size_t>(channels[i]);
    n[i] = (n[i] - moments.mean[c]) / moments.deviation[c];
  }
  const Doubles dbias = channel_sums(channels, scale.size(), [&](std::size_t i) { return dy[i]; });
  const Doubles dscale = channel_sums(channels, scale.size(), [&](std::size_t i) { return dy[i] * n[i]; });
  const bool is_training = call.attributes().get_int("training_mode", 0) != 0;
  const double share = is_training ? static_cast<double>(scale.size()) / static_cast<double>(n.size()) : 0;
  Doubles dx(n.size()), dmean(scale.size()), dvariance(scale.size());
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const auto c = static_cast<std::size_t>(channels[i]);
    dx[i] = (dy[i] - share * (dbias[c] + n[i] * dscale[c])) * scale[c] / moments.deviation[c];
  }
  for (std::size_t c = 0; c < scale.size(); ++c) {
    dmean[c] = -scale[c] * dbias[c] / moments.deviation[c];
    dvariance[c] = -scale[c] * dscale[c] / (2 * std::pow(moments.deviation[c], 2));
  }
  Tensors results{from_doubles(x.dtype(), x.dims(), dx)};
  for (const Doubles* each : {&dscale, &dbias})
    results.push_back(from_doubles(call.inputs[2].dtype(), call.inputs[2].dims(), *each));
  for (const Doubles* each : {&dmean, &dvariance})
    results.push_back(from_doubles(call.inputs[3].dtype(), call.inputs[3].dims(), *each));
  return results;
}

std::vector<Operand> infer(const InferCall& call) {
  require_dims_of_result(call.inputs[0], call.inputs[1].type.shape);
  std::vector<Operand> outputs;
  for (const std::size_t like : {1, 2, 2, 3, 4})
    outputs.push_back(operand(call.inputs[like].type.dtype, call.inputs[like].type.shape));
  return outputs;
}

}  // namespace

OpDefinition batch_normalization_gradient_op() {
  return {
      .name = "BatchNormalizationGradient",
      .domain = training_domain,
      .required_inputs = 5,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(8),
  };
}

}  // namespace edgeopt
