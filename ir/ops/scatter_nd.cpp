// y = data, y[indices[p]] = updates[p], where the last axis of indices holds the leading coordinates of a
// slice.
#include "ir/rules/op_rules.h"
#include "ir/rules/scatter_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

Tensors evaluate(const EvaluateCall& call) {
  const Tensor& data = call.inputs[0];
  const Dims& index_dims = call.inputs[1].dims();
  if (index_dims.empty() || index_dims.back() > static_cast<std::int64_t>(data.rank()))
    throw UserError("the last dim of indices must not exceed the rank of the data");
  const auto depth = static_cast<std::size_t>(index_dims.back());
  Dims wanted(index_dims.begin(), index_dims.end() - 1);
  wanted.insert(wanted.end(), data.dims().begin() + static_cast<std::ptrdiff_t>(depth), data.dims().end());
  if (call.inputs[2].dims() != wanted) throw UserError("updates must have the shape " + to_string(wanted));
  const std::vector<std::int64_t> indices = to_int64s(call.inputs[1]);
  const Dims strides = strides_of(data.dims());
  const std::int64_t slice_size = element_count(std::span(data.dims()).subspan(depth));
  const std::int64_t slice_count = element_count(std::span(index_dims).first(index_dims.size() - 1));
  std::vector<std::int64_t> targets;
  for (std::int64_t slice = 0; slice < slice_count; ++slice) {
    std::int64_t start = 0;
    for (std::size_t d = 0; d < depth; ++d)
      start +=
          normalize_index(indices[static_cast<std::size_t>(slice) * depth + d], data.dims()[d]) * strides[d];
    for (std::int64_t i = 0; i < slice_size; ++i) targets.push_back(start + i);
  }
  return {scattered(data, call.inputs[2], targets, call.attributes().get_string("reduction", "none"))};
}

}  // namespace

OpDefinition scatter_nd_op() {
  return {
      .name = "ScatterND",
      .versions = {11, 13, 16, 18},
      .required_inputs = 3,
      .infer = same_shape_as_input,
      .evaluate = evaluate,
      .gradient = scatter_gradient("GatherND"),
  };
}

}  // namespace edgeopt
