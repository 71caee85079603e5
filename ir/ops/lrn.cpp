// y = x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta
#include <algorithm>
#include <cmath>

#include "ir/gradient/gradient_rules.h"
#include "ir/infer.h"
#include "ir/rules/op_rules.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  const std::int64_t size = call.attributes().get_int("size", 0);
  if (size < 1) throw UserError("size of LRN must be at least 1");
  const double alpha = call.attributes().get_float("alpha", 1e-4F);
  const double beta = call.attributes().get_float("beta", 0.75F);
  const double bias = call.attributes().get_float("bias", 1);
  const AxisLines channels = lines_along(x.dims(), 1);
  const std::vector<double> elements = to_doubles(x);
  std::vector<double> result(elements.size());
  for (std::int64_t line = 0; line < channels.count; ++line)
    for (std::int64_t c = 0; c < channels.length; ++c) {
      const auto index = [&](std::int64_t j) {
        return static_cast<std::size_t>(channels.start(line) + j * channels.step);
      };
      // floor((size - 1) / 2) channels before, ceil((size - 1) / 2) after.
      const std::int64_t first = std::max<std::int64_t>(0, c - (size - 1) / 2);
      const std::int64_t last = std::min(channels.length - 1, c + size / 2);
      double square_sum = 0;
      for (std::int64_t j = first; j <= last; ++j) square_sum += elements[index(j)] * elements[index(j)];
      result[index(c)] =
          elements[index(c)] / std::pow(bias + alpha / static_cast<double>(size) * square_sum, beta);
    }
  return {from_doubles(x.dtype(), x.dims(), result)};
}

// Neighbouring channels are summed over.
std::vector<TiedDims> tied_dims(const InferCall& call) {
  return passing_ties(call, [](std::size_t axis) { return axis != 1; });
}

}  // namespace

OpDefinition lrn_op() {
  return {
      .name = "LRN",
      .versions = {1, 13},
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .count_cost =
          [](const InferCall& call, std::span<const Operand> outputs) {
            const auto size = std::clamp<std::int64_t>(call.attributes().get_int("size", 1), 1, largest_dim);
            return operations_per_output(size + 2)(call, outputs);
          },
      .gradient = own_gradient_operator(),
      .tied_dims = tied_dims,
  };
}

}  // namespace edgeopt
