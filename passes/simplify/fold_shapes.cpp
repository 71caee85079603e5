// shape(x)[1] -> constant, when the dim is known: whatever is computed from known dims alone, through Shape,
// Gather, Concat, arithmetic.
#include "ir/infer.h"
#include "passes/framework/fold_values.h"

namespace edgeopt {
namespace {

// The elements as a tensor of the value's type; nothing while a dim is open.
std::optional<Tensor> known_tensor(const ValueType& type, const Shape& elements) {
  const std::optional<Dims> numbers = static_dims(elements);
  const std::optional<Dims> dims = type.shape ? static_dims(*type.shape) : std::nullopt;
  if (!numbers || !dims || (type.dtype != DataType::int64 && type.dtype != DataType::int32))
    return std::nullopt;
  if (element_count(*dims) != static_cast<std::int64_t>(numbers->size())) return std::nullopt;
  return cast(int64_tensor(*numbers).reshaped(*dims), type.dtype);
}

Sweep fold_shapes(const Graph& graph) {
  DeclineCounts declined;
  FoldedValues folded;
  for (const auto& [id, elements] : known_elements(graph)) {
    if (graph.constant(id) || is_constant_output(graph, *graph.producer(id))) continue;
    if (std::optional<Tensor> tensor = known_tensor(graph.type_of(id), elements))
      folded.emplace_back(id, *std::move(tensor));
    else
      count_decline(declined, "a dim is known only when the model runs");
  }
  Sweep sweep = fold_values(graph, folded);
  sweep.declined = std::move(declined);
  return sweep;
}

}  // namespace

Pass fold_shapes_pass() {
  return sweep_pass("fold_shapes", {.summary = "Replace shape arithmetic on known dims by its result.",
                                    .sweep = fold_shapes});
}

}  // namespace edgeopt
