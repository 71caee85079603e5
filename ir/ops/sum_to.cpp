// SumTo(x, like): x summed over the axes along which `like` would be broadcast to x's dims (numpy's
// alignment), in the dims of `like`: the gradient of broadcasting. The elements of `like` do not matter.
#include <fmt/format.h>

#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Dims that are not known yet may fit.
void require_broadcast(const std::optional<Shape>& like, const std::optional<Shape>& x) {
  if (!like || !x || !static_dims(*like) || !static_dims(*x)) return;
  if (broadcast_shapes(*like, *x) != *x)
    throw UserError(fmt::format("shape {} cannot be broadcast to {}", to_string(*like), to_string(*x)));
}

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& x = call.inputs[0];
  const Dims& dims = call.inputs[1].dims();
  const std::vector<std::int64_t> groups = broadcast_indexes(dims, x.dims());
  const std::vector<double> elements = to_doubles(x);
  std::vector<double> sums(static_cast<std::size_t>(element_count(dims)), 0.0);
  for (std::size_t i = 0; i < elements.size(); ++i) sums[static_cast<std::size_t>(groups[i])] += elements[i];
  return {from_doubles(x.dtype(), dims, sums)};
}

}  // namespace

OpDefinition sum_to_op() {
  return {
      .name = "SumTo",
      .domain = "edgeopt",
      .required_inputs = 2,
      .infer =
          [](const InferCall& call) {
            require_broadcast(call.inputs[1].type.shape, call.inputs[0].type.shape);
            return std::vector<Operand>{operand(call.inputs[0].type.dtype, call.inputs[1].type.shape)};
          },
      .evaluate = evaluate,
      .count_cost =
          [](const InferCall& call, std::span<const Operand>) {
            return Cost{.other_operations = known_element_count(call.inputs[0])};
          },
  };
}

}  // namespace edgeopt
