// y = x / (sum |x|^p)^(1/p) along an axis, p = 1 or 2; a line of zeros stays zero.
#include <cmath>

#include "ir/op_rules.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  const std::int64_t p = call.attributes().get_int("p", 2);
  if (p != 1 && p != 2) throw UserError("p of LpNormalization must be 1 or 2");
  const AxisLines lines = lines_along(x.dims(), call.attributes().get_int("axis", -1));
  std::vector<double> elements = to_doubles(x);
  for (std::int64_t line = 0; line < lines.count; ++line) {
    const auto element = [&](std::int64_t j) -> double& {
      return elements[static_cast<std::size_t>(lines.start(line) + j * lines.step)];
    };
    double total = 0;
    for (std::int64_t j = 0; j < lines.length; ++j)
      total += p == 1 ? std::fabs(element(j)) : element(j) * element(j);
    const double norm = p == 1 ? total : std::sqrt(total);
    for (std::int64_t j = 0; j < lines.length; ++j) element(j) = norm == 0 ? 0 : element(j) / norm;
  }
  return {from_doubles(x.dtype(), x.dims(), elements)};
}

std::vector<TiedDims> tied_dims(const InferCall& call) {
  if (!call.inputs[0].has_shape()) return {};
  const std::int64_t along =
      normalize_axis(call.attributes().get_int("axis", -1), call.inputs[0].shape().size());
  return passing_ties(call, [&](std::size_t axis) { return static_cast<std::int64_t>(axis) != along; });
}

}  // namespace

OpDefinition lp_normalization_op() {
  return {
      .name = "LpNormalization",
      .versions = {1, 22},
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .count_cost = operations_per_output(3),
      .tied_dims = tied_dims,
  };
}

}  // namespace edgeopt
