#include "runtime/strided_copy.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace edgeopt {
namespace {

template <typename T>
void copy_row(const StridedCopy& copy, const std::byte* source, std::byte* target) {
  const T* from = reinterpret_cast<const T*>(source);
  T* to = reinterpret_cast<T*>(target);
  const std::int64_t from_stride = copy.source_strides.back();
  const std::int64_t to_stride = copy.target_strides.back();
  for (std::int64_t i = 0; i < copy.counts.back(); ++i) to[i * to_stride] = from[i * from_stride];
}

void copy_last_dim(const StridedCopy& copy, const std::byte* source, std::byte* target) {
  if (copy.counts.back() == 0) return;  // memcpy takes no null, even for nothing
  if (copy.source_strides.back() == 1 && copy.target_strides.back() == 1)
    std::memcpy(target, source, static_cast<std::size_t>(copy.counts.back()) * copy.element_bytes);
  else if (copy.element_bytes == 1)
    copy_row<std::uint8_t>(copy, source, target);
  else if (copy.element_bytes == 2)
    copy_row<std::uint16_t>(copy, source, target);
  else if (copy.element_bytes == 4)
    copy_row<std::uint32_t>(copy, source, target);
  else
    copy_row<std::uint64_t>(copy, source, target);
}

void copy_dims(const StridedCopy& copy, std::size_t dim, const std::byte* source, std::byte* target) {
  if (dim + 1 >= copy.counts.size()) return copy_last_dim(copy, source, target);
  const auto bytes = static_cast<std::int64_t>(copy.element_bytes);
  for (std::int64_t i = 0; i < copy.counts[dim]; ++i)
    copy_dims(copy, dim + 1, source + i * copy.source_strides[dim] * bytes,
              target + i * copy.target_strides[dim] * bytes);
}

bool continues(const StridedCopy& copy, std::size_t outer, std::int64_t count, std::int64_t from,
               std::int64_t to) {
  return copy.source_strides[outer] == count * from && copy.target_strides[outer] == count * to;
}

}  // namespace

Dims memory_strides(const TensorForm& form) {
  const std::size_t rank = form.dims.size();
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (form.layout == Layout::channels_last && can_be_channels_last(form.dims))
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  Dims strides(rank, 1);
  std::int64_t stride = 1;
  for (std::size_t i = rank; i-- > 0;) {
    strides[order[i]] = stride;
    stride *= form.dims[order[i]];
  }
  return strides;
}

StridedCopy simplified(StridedCopy copy) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < copy.counts.size(); ++i)
    if (copy.counts[i] != 1) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return copy.target_strides[a] > copy.target_strides[b];
  });
  StridedCopy result = copy;
  result.counts.clear();
  result.source_strides.clear();
  result.target_strides.clear();
  for (const std::size_t dim : order) {
    const std::int64_t count = copy.counts[dim];
    const std::int64_t from = copy.source_strides[dim];
    const std::int64_t to = copy.target_strides[dim];
    if (!result.counts.empty() && continues(result, result.counts.size() - 1, count, from, to)) {
      result.counts.back() *= count;
      result.source_strides.back() = from;
      result.target_strides.back() = to;
      continue;
    }
    result.counts.push_back(count);
    result.source_strides.push_back(from);
    result.target_strides.push_back(to);
  }
  if (result.counts.empty()) result.counts = result.source_strides = result.target_strides = {1};
  return result;
}

void run_copy(const StridedCopy& copy, const std::byte* source, std::byte* target) {
  const auto bytes = static_cast<std::int64_t>(copy.element_bytes);
  copy_dims(copy, 0, source + copy.source_offset * bytes, target + copy.target_offset * bytes);
}

bool moves_elements_alone(const KernelCall& call) {
  const int bits = bit_count(call.inputs[0].form.dtype);
  if (bits < 8 || bits > 64) return false;
  return !call.is_quantized() || call.task.input_quantization[0] == call.task.output_quantization;
}

}  // namespace edgeopt
