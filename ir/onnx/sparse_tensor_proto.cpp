// SparseTensorProto -> Tensor and back. In a graph a sparse initializer is an ordinary constant; its emptied
// message, which holds its name, stays among the graph's unknown fields and says that it is written sparsely.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ir/edit.h"
#include "ir/onnx/protos.h"
#include "ir/onnx/sparse_storage.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::int64_t index_bytes = 8;
// A message of a few bytes must not fill the memory: larger tensors stay unread.
constexpr std::int64_t always_read_bytes = std::int64_t{64} << 20;
constexpr std::int64_t most_bytes_per_stored_byte = 1000;
constexpr std::int64_t first_ir_version_with_sparse = 6;  // onnx.proto: IR_VERSION_2019_9_19

std::int64_t width_of(DataType dtype) { return dtype == DataType::string ? 0 : bit_count(dtype) / 8; }

bool is_zero(std::span<const std::byte> element) {
  return std::ranges::all_of(element, [](std::byte byte) { return byte == std::byte{0}; });
}

std::vector<std::int64_t> positions_of_nonzeros(const Tensor& tensor) {
  std::vector<std::int64_t> positions;
  const auto width = static_cast<std::size_t>(width_of(tensor.dtype()));
  for (std::int64_t i = 0; i < tensor.element_count(); ++i)
    if (!is_zero(tensor.bytes().subspan(static_cast<std::size_t>(i) * width, width))) positions.push_back(i);
  return positions;
}

// Of a Dims that a file states; nothing if it is no sensible size.
std::optional<std::int64_t> sensible_bytes(const Dims& dims, std::int64_t width) {
  std::int64_t bytes = width;
  for (const std::int64_t dim : dims)
    if (dim < 0 || __builtin_mul_overflow(bytes, dim, &bytes)) return std::nullopt;
  return bytes;
}

bool can_be_read(const onnx::SparseTensorProto& proto) {
  const auto& indices = proto.indices();
  const std::int64_t width = width_of(static_cast<DataType>(proto.values().data_type()));
  const bool is_coordinate_list =
      indices.dims_size() == 1 || (indices.dims_size() == 2 && indices.dims(1) == proto.dims_size());
  if (width == 0 || proto.dims_size() == 0 || proto.values().dims_size() != 1 ||
      indices.data_type() != onnx::TensorProto::INT64 || !is_coordinate_list ||
      indices.dims(0) != proto.values().dims(0))
    return false;
  const auto bytes = sensible_bytes(Dims(proto.dims().begin(), proto.dims().end()), width);
  const auto stored = static_cast<std::int64_t>(proto.ByteSizeLong());
  return bytes && *bytes <= std::max(always_read_bytes, most_bytes_per_stored_byte * stored);
}

// The position in the dense tensor that row `i` of the indices names.
std::int64_t position_at(const Tensor& indices, std::int64_t i, const Dims& dims) {
  const std::span<const std::int64_t> numbers = indices.data<std::int64_t>();
  const std::int64_t count = element_count(dims);
  std::int64_t position = 0;
  bool is_inside = true;
  if (indices.rank() == 1) {
    position = numbers[static_cast<std::size_t>(i)];
    is_inside = position >= 0 && position < count;
  }
  for (std::size_t axis = 0; indices.rank() == 2 && is_inside && axis < dims.size(); ++axis) {
    const std::int64_t at = numbers[static_cast<std::size_t>(i) * dims.size() + axis];
    is_inside = at >= 0 && at < dims[axis];
    position = position * dims[axis] + at;
  }
  if (!is_inside)
    throw UserError(
        fmt::format("index {} of a sparse tensor lies outside of its shape {}", i, to_string(dims)));
  return position;
}

}  // namespace

std::optional<Tensor> take_sparse_tensor(onnx::SparseTensorProto& proto, DataFolder& folder) {
  if (!can_be_read(proto)) return std::nullopt;
  const Dims dims(proto.dims().begin(), proto.dims().end());
  const Tensor indices = take_tensor(*proto.mutable_indices(), folder);
  const Tensor values = take_tensor(*proto.mutable_values(), folder);
  proto.clear_dims();
  proto.clear_indices();
  Tensor dense(values.dtype(), dims);
  const auto width = static_cast<std::size_t>(width_of(values.dtype()));
  const std::span<std::byte> bytes = dense.mutable_bytes();
  for (std::int64_t i = 0; i < values.element_count(); ++i)
    std::memcpy(bytes.data() + static_cast<std::size_t>(position_at(indices, i, dims)) * width,
                values.bytes().data() + static_cast<std::size_t>(i) * width, width);
  return dense;
}

void write_sparse_tensor(onnx::SparseTensorProto& proto, const Tensor& tensor) {
  const std::vector<std::int64_t> positions = positions_of_nonzeros(tensor);
  const auto count = static_cast<std::int64_t>(positions.size());
  Tensor values(tensor.dtype(), {count});
  const auto width = static_cast<std::size_t>(width_of(tensor.dtype()));
  const std::span<std::byte> bytes = values.mutable_bytes();
  for (std::size_t i = 0; i < positions.size(); ++i)
    std::memcpy(bytes.data() + i * width,
                tensor.bytes().data() + static_cast<std::size_t>(positions[i]) * width, width);
  proto.mutable_dims()->Assign(tensor.dims().begin(), tensor.dims().end());
  write_tensor(*proto.mutable_values(), values, nullptr);
  write_tensor(*proto.mutable_indices(), Tensor::of<std::int64_t>({count}, positions), nullptr);
}

Graph with_sparse_storage(const Graph& graph) {
  onnx::GraphProto rest;
  restore(rest, graph.unknown_fields());
  for (const ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    if (!value.constant || value.is_input || value.constant->rank() == 0) continue;
    const std::int64_t width = width_of(value.constant->dtype());
    const bool is_marked = std::ranges::any_of(
        rest.sparse_initializer(), [&](const auto& each) { return each.values().name() == value.name; });
    if (width == 0 || is_marked) continue;
    const auto stored = static_cast<std::int64_t>(positions_of_nonzeros(*value.constant).size());
    if (stored * (index_bytes + width) < value.constant->element_count() * width)
      rest.add_sparse_initializer()->mutable_values()->set_name(value.name);
  }
  Edit edit(graph);
  edit.set_graph_name(graph.name(), rest_of(rest));
  ModelHeader header = graph.header();
  if (rest.sparse_initializer_size() > 0)
    header.ir_version = std::max(header.ir_version, first_ir_version_with_sparse);
  edit.set_header(std::move(header));
  return edit.apply();
}

}  // namespace edgeopt
