// Dims of size 1 removed: those named by the axes (an attribute before opset 13, then an input), or all.
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Axes = std::vector<std::int64_t>;

void require_one(const Dim& dim, std::size_t axis) {
  if (dim.is_number() && dim.size != 1)
    throw UserError(
        fmt::format("axis {} has size {}, but only axes of size 1 can be squeezed", axis, dim.size));
}

Shape squeezed(const Shape& shape, const std::optional<Axes>& axes) {
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool goes =
        axes ? std::ranges::find(*axes, static_cast<std::int64_t>(i)) != axes->end() : shape[i] == Dim(1);
    if (goes) require_one(shape[i], i);
    if (!goes) result.push_back(shape[i]);
  }
  return result;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  std::optional<Axes> axes = parameter_ints(call, 1, "axes");
  if (!data.has_shape() || (!axes && has_parameter(call, 1, "axes"))) return {of_unknown_shape(data)};
  // Without axes, a dim that is not known may or may not go.
  if (!axes && !static_dims(data.shape())) return {of_unknown_shape(data)};
  if (axes) axes = axes_from_front(*axes, data.shape().size());
  return {moved(data, squeezed(data.shape(), axes))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  std::optional<Axes> axes = parameter_ints(call, 1, "axes");
  if (axes) axes = axes_from_front(*axes, data.rank());
  return {data.reshaped(*static_dims(squeezed(to_shape(data.dims()), axes)))};
}

std::vector<TiedDims> tied_dims(const InferCall& call) { return reshape_ties(call, infer); }

}  // namespace

OpDefinition squeeze_op() {
  return {
      .name = "Squeeze",
      .versions = {1, 11, 13, 21, 23, 24, 25},
      .infer = infer,
      .evaluate = evaluate,
      .gradient = first_input_gradient(reshape_to_input),
      .tied_dims = tied_dims,
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
      .movement = Movement::in_order,
  };
}

}  // namespace edgeopt
