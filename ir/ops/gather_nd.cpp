// y[p] = data[indices[p]], where the last axis of indices holds coordinates after the batch dims.
#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct GatherDims {
  std::size_t batch_rank = 0;
  std::size_t depth = 0;  // coordinates per index
};

GatherDims checked_dims(const EvaluateCall& call) {
  const Dims& data = call.inputs[0].dims();
  const Dims& indices = call.inputs[1].dims();
  const std::int64_t batch_rank = call.attributes().get_int("batch_dims", 0);
  const auto data_rank = static_cast<std::int64_t>(data.size());
  if (batch_rank < 0 || batch_rank >= static_cast<std::int64_t>(indices.size()) ||
      batch_rank + indices.back() > data_rank)
    throw UserError("batch_dims and the last dim of indices must fit the rank of the data");
  for (std::int64_t d = 0; d < batch_rank; ++d)
    if (data[static_cast<std::size_t>(d)] != indices[static_cast<std::size_t>(d)])
      throw UserError("the batch dims of data and indices must be the same");
  return {static_cast<std::size_t>(batch_rank), static_cast<std::size_t>(indices.back())};
}

Tensors evaluate(const EvaluateCall& call) {
  const GatherDims gather = checked_dims(call);
  const Dims& data = call.inputs[0].dims();
  const Dims& index_dims = call.inputs[1].dims();
  const std::vector<std::int64_t> indices = to_int64s(call.inputs[1]);
  const Dims strides = strides_of(data);
  const std::size_t sliced_from = gather.batch_rank + gather.depth;
  const std::int64_t slice_size = element_count(std::span(data).subspan(sliced_from));
  const std::int64_t batch_size = element_count(std::span(data).subspan(gather.batch_rank));
  const std::int64_t count = element_count(std::span(index_dims).first(index_dims.size() - 1));
  const std::int64_t batch_count = element_count(std::span(data).first(gather.batch_rank));
  std::vector<std::int64_t> sources;
  for (std::int64_t p = 0; p < count; ++p) {
    std::int64_t start = p / (count / batch_count) * batch_size;
    for (std::size_t d = 0; d < gather.depth; ++d) {
      const std::size_t axis = gather.batch_rank + d;
      start += normalize_index(indices[static_cast<std::size_t>(p) * gather.depth + d], data[axis]) *
               strides[axis];
    }
    for (std::int64_t i = 0; i < slice_size; ++i) sources.push_back(start + i);
  }
  Dims dims(index_dims.begin(), index_dims.end() - 1);
  dims.insert(dims.end(), data.begin() + static_cast<std::ptrdiff_t>(sliced_from), data.end());
  return {pick_elements(call.inputs[0], dims, sources)};
}

std::vector<Operand> infer(const InferCall& call) {
  const DataType dtype = call.inputs[0].type.dtype;
  const Operand& indices = call.inputs[1];
  if (!call.inputs[0].has_shape() || !indices.has_shape() || indices.shape().empty() ||
      !indices.shape().back().is_number())
    return {operand(dtype, std::nullopt)};
  const Shape& data = call.inputs[0].shape();
  const std::int64_t sliced_from = call.attributes().get_int("batch_dims", 0) + indices.shape().back().size;
  if (sliced_from < 0 || sliced_from > static_cast<std::int64_t>(data.size()))
    throw UserError("batch_dims and the last dim of indices must fit the rank of the data");
  Shape shape(indices.shape().begin(), indices.shape().end() - 1);
  shape.insert(shape.end(), data.begin() + sliced_from, data.end());
  return {operand(dtype, shape)};
}

}  // namespace

OpDefinition gather_nd_op() {
  return {
      .name = "GatherND",
      .versions = {11, 12, 13},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .gradient = move_gradient(),
      .is_homogeneous = true,
  };
}

}  // namespace edgeopt
