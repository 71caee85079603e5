#include "ir/subgraph_rules.h"

#include "ir/move_elements.h"
#include "support/error.h"

namespace edgeopt {

const Graph& body_of(const Attributes& attributes) {
  const GraphPtr* graph = attributes.get<GraphPtr>("body");
  if (!graph) throw UserError("attribute 'body' is missing");
  return **graph;
}

Tensor stacked(const Tensors& slices, const ValueType& type, std::int64_t axis) {
  if (slices.empty()) {
    Dims dims;
    if (type.shape)
      for (const Dim& dim : *type.shape) dims.push_back(dim.is_number() ? dim.size : 0);
    dims.insert(dims.begin() + normalize_axis(axis, dims.size() + 1), 0);
    return Tensor(type.dtype, std::move(dims));
  }
  Tensors unsqueezed;
  for (const Tensor& slice : slices) {
    Dims dims = slice.dims();
    dims.insert(dims.begin() + normalize_axis(axis, dims.size() + 1), 1);
    unsqueezed.push_back(slice.reshaped(std::move(dims)));
  }
  return concatenate(unsqueezed, axis);
}

Operand stacked(const ValueType& type, const Dim& size, std::int64_t axis) {
  if (!type.is_tensor() || !type.shape) return operand(type.dtype, std::nullopt);
  Shape shape = *type.shape;
  shape.insert(shape.begin() + normalize_axis(axis, shape.size() + 1), size);
  return operand(type.dtype, std::move(shape));
}

}  // namespace edgeopt
