// Dims of size 1 inserted; the axes count in the result (an attribute before opset 13, then an input).
#include <fmt/format.h>

#include <algorithm>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/tied_dims.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Shape unsqueezed(const Shape& shape, const std::vector<std::int64_t>& given) {
  const std::size_t rank = shape.size() + given.size();
  std::vector<std::int64_t> axes = axes_from_front(given, rank);
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end())
    throw UserError(fmt::format("axes {} name an axis twice", to_string(std::span(given))));
  Shape result = shape;
  for (const std::int64_t axis : axes) result.insert(result.begin() + axis, Dim(1));
  return result;
}

std::vector<Operand> infer(const InferCall& call) {
  const Operand& data = required_input(call, 0);
  const auto axes = parameter_ints(call, 1, "axes");
  if (!data.has_shape() || !axes) return {of_unknown_shape(data)};
  return {moved(data, unsqueezed(data.shape(), *axes))};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const auto axes = parameter_ints(call, 1, "axes").value_or(std::vector<std::int64_t>());
  return {data.reshaped(*static_dims(unsqueezed(to_shape(data.dims()), axes)))};
}

std::vector<TiedDims> tied_dims(const InferCall& call) { return reshape_ties(call, infer); }

}  // namespace

OpDefinition unsqueeze_op() {
  return {
      .name = "Unsqueeze",
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
