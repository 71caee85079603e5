// Gradients of the normalizations over groups of one sample's elements, (dx, dscale) from (dy, x, scale).
// With n = (x - mean) / deviation and g = dy * scale:
//   dx = (g - mean(g) - n * mean(g * n)) / deviation,  dscale = sum(dy * n). In training graphs.
#include <cmath>
#include <string>
#include <vector>

#include "ir/gradient/training_ops.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

/// Which elements are normalized together (so many consecutive ones), and which scale each one has.
struct Groups {
  std::size_t count = 0;
  std::vector<std::int64_t> scale_indexes;
};
using FindGroups = Groups (*)(const EvaluateCall& call, const Dims& x, const Dims& scale);

std::size_t leading_count(const Dims& dims, std::size_t axis) {
  return static_cast<std::size_t>(element_count(std::span(dims).first(axis)));
}

Groups layer_groups(const EvaluateCall& call, const Dims& x, const Dims& scale) {
  const auto axis = static_cast<std::size_t>(normalize_axis(call.attributes().get_int("axis", -1), x.size()));
  return {leading_count(x, axis), broadcast_indexes(scale, x)};
}

// The scale of channel c is element c of as many as there are channels, or fewer, each for several.
std::vector<std::int64_t> channel_indexes(const Dims& x, const Dims& scale) {
  const std::int64_t count = element_count(scale);
  if (x.size() < 2 || count == 0 || x[1] % count != 0)
    throw UserError("scale must have one element per channel (or per group)");
  const std::int64_t plane = element_count(std::span(x).subspan(2));
  std::vector<std::int64_t> indexes(static_cast<std::size_t>(element_count(x)));
  for (std::size_t i = 0; i < indexes.size(); ++i)
    indexes[i] = static_cast<std::int64_t>(i) / plane % x[1] / (x[1] / count);
  return indexes;
}

Groups instance_groups(const EvaluateCall&, const Dims& x, const Dims& scale) {
  std::vector<std::int64_t> indexes = channel_indexes(x, scale);
  return {leading_count(x, 2), std::move(indexes)};
}

Groups channel_groups(const EvaluateCall& call, const Dims& x, const Dims& scale) {
  const std::int64_t groups = call.attributes().get_int("num_groups", 0);
  std::vector<std::int64_t> indexes = channel_indexes(x, scale);
  if (groups < 1 || x[1] % groups != 0) throw UserError("num_groups must divide the number of channels");
  return {static_cast<std::size_t>(x[0] * groups), std::move(indexes)};
}

double mean(std::span<const double> x) {
  double sum = 0;
  for (const double each : x) sum += each;
  return sum / static_cast<double>(x.size());
}

double mean_product(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

// Makes x the normalized elements; returns the deviation.
double normalize(std::span<double> x, double epsilon) {
  const double center = mean(x);
  for (double& each : x) each -= center;
  const double deviation = std::sqrt(mean_product(x, x) + epsilon);
  for (double& each : x) each /= deviation;
  return deviation;
}

// Makes g the gradient of one group.
void group_gradient(std::span<double> g, std::span<const double> normalized, double deviation) {
  const double center = mean(g), slope = mean_product(g, normalized);
  for (std::size_t i = 0; i < g.size(); ++i) g[i] = (g[i] - center - normalized[i] * slope) / deviation;
}

Tensors evaluate(const EvaluateCall& call, FindGroups find_groups) {
  const Tensor &x = call.inputs[1], &scale = call.inputs[2];
  require_dims_of_result(call.inputs[0], x.dims());
  const Groups groups = find_groups(call, x.dims(), scale.dims());
  const std::vector<double> dy = to_doubles(call.inputs[0]), factors = to_doubles(scale);
  std::vector<double> normalized = to_doubles(x), dx = dy, dscale(factors.size(), 0);
  for (std::size_t i = 0; i < dx.size(); ++i)
    dx[i] *= factors[static_cast<std::size_t>(groups.scale_indexes[i])];
  const std::size_t size = groups.count == 0 ? 0 : dx.size() / groups.count;
  const double epsilon = call.attributes().get_float("epsilon", 1e-5F);
  for (std::size_t group = 0; group < groups.count; ++group) {
    const std::span<double> n = std::span(normalized).subspan(group * size, size);
    const double deviation = normalize(n, epsilon);
    group_gradient(std::span(dx).subspan(group * size, size), n, deviation);
  }
  for (std::size_t i = 0; i < dy.size(); ++i)
    dscale[static_cast<std::size_t>(groups.scale_indexes[i])] += dy[i] * normalized[i];
  return {from_doubles(x.dtype(), x.dims(), dx), from_doubles(scale.dtype(), scale.dims(), dscale)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType &x = call.inputs[1].type, &scale = call.inputs[2].type;
  require_dims_of_result(call.inputs[0], x.shape);
  return {operand(x.dtype, x.shape), operand(scale.dtype, scale.shape)};
}

OpDefinition gradient_of(const std::string& op_type, FindGroups find_groups) {
  return {
      .name = op_type + "Gradient",
      .domain = training_domain,
      .required_inputs = 3,
      .infer = infer,
      .evaluate = [find_groups](const EvaluateCall& call) { return evaluate(call, find_groups); },
      .count_cost = operations_per_output(16),
  };
}

}  // namespace

std::vector<OpDefinition> normalization_gradient_table() {
  return {
      gradient_of("LayerNormalization", layer_groups),
      gradient_of("InstanceNormalization", instance_groups),
      gradient_of("GroupNormalization", channel_groups),
  };
}

}  // namespace edgeopt
