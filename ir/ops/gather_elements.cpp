// y[i][j] = data[indices[i][j]][j] for axis 0 (numpy.take_along_axis)
#include <fmt/format.h>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<Operand> infer(const InferCall& call) {
  return {operand(required_input(call, 0).type.dtype, required_input(call, 1).type.shape)};
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = required_input(call, 0);
  const Tensor& indices = required_input(call, 1);
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.attributes().get_int("axis", 0), data.rank()));
  if (indices.rank() != data.rank())
    throw UserError(fmt::format("indices of shape {} do not fit data of shape {}", to_string(indices.dims()),
                                to_string(data.dims())));
  for (std::size_t a = 0; a < data.rank(); ++a)
    if (a != axis && indices.dims()[a] > data.dims()[a])
      throw UserError(fmt::format("indices of shape {} reach beyond data of shape {}",
                                  to_string(indices.dims()), to_string(data.dims())));
  const Dims strides = strides_of(data.dims());
  const std::int64_t dim = data.dims()[axis];
  const std::vector<std::int64_t> chosen = to_int64s(indices);
  std::vector<std::int64_t> from(chosen.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] < -dim || chosen[i] >= dim)
      throw UserError(fmt::format("index {} is outside an axis of {} elements", chosen[i], dim));
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t a = data.rank(); a-- > 0; rest /= indices.dims()[a])
      from[i] += strides[a] * (a == axis ? (chosen[i] + dim) % dim : rest % indices.dims()[a]);
  }
  return {take_elements(data, indices.dims(), from)};
}

}  // namespace

OpDefinition gather_elements_op() {
  return {
      .name = "GatherElements",
      .versions = {11, 13},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .gradient = move_gradient(),
      .quantization = {.role = QuantizationRole::keeps_scale},
      .is_homogeneous = true,
  };
}

}  // namespace edgeopt
