#include "ir/rules/move_elements.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <numeric>

#include "support/error.h"

namespace edgeopt {
namespace {

// One element of `bytes` bytes, moved without asking what it means.
template <std::size_t size>
using Bytes = std::array<std::byte, size>;

template <std::size_t size>
void take_bytes(const Tensor& source, std::span<const std::int64_t> from, const Tensor& fill,
                Tensor& target) {
  const auto* in = reinterpret_cast<const Bytes<size>*>(source.bytes().data());
  auto* out = reinterpret_cast<Bytes<size>*>(target.mutable_bytes().data());
  Bytes<size> filling{};
  if (!fill.is_empty() && fill.dtype() != DataType::undefined)
    std::memcpy(filling.data(), fill.bytes().data(), size);
  for (std::size_t i = 0; i < from.size(); ++i)
    out[i] = from[i] < 0 ? filling : in[static_cast<std::size_t>(from[i])];
}

void take_strings(const Tensor& source, std::span<const std::int64_t> from, const Tensor& fill,
                  Tensor& target) {
  const std::span<const std::string> in = source.strings();
  const std::span<std::string> out = target.mutable_strings();
  const std::string filling = fill.dtype() == DataType::string ? fill.strings()[0] : "";
  for (std::size_t i = 0; i < from.size(); ++i)
    out[i] = from[i] < 0 ? filling : in[static_cast<std::size_t>(from[i])];
}

// Sub-byte elements lie with the first one in the low bits.
unsigned read_bits(std::span<const std::byte> bytes, std::size_t index, std::size_t bits) {
  const std::size_t bit = index * bits;
  return (std::to_integer<unsigned>(bytes[bit / 8]) >> (bit % 8)) & ((1U << bits) - 1U);
}

void write_bits(std::span<std::byte> bytes, std::size_t index, std::size_t bits, unsigned value) {
  const std::size_t bit = index * bits;
  bytes[bit / 8] |= static_cast<std::byte>(value << (bit % 8));
}

void take_bits(const Tensor& source, std::span<const std::int64_t> from, const Tensor& fill, Tensor& target) {
  const auto bits = static_cast<std::size_t>(bit_count(source.dtype()));
  const unsigned filling = fill.dtype() == source.dtype() ? read_bits(fill.bytes(), 0, bits) : 0;
  const std::span<std::byte> out = target.mutable_bytes();
  for (std::size_t i = 0; i < from.size(); ++i)
    write_bits(out, i, bits,
               from[i] < 0 ? filling : read_bits(source.bytes(), static_cast<std::size_t>(from[i]), bits));
}

// The offsets of every combination of indices, last axis fastest; -1 where any index is -1.
std::vector<std::int64_t> offsets_of(const std::vector<std::vector<std::int64_t>>& indices,
                                     std::span<const std::int64_t> strides) {
  std::vector<std::int64_t> offsets{0};
  for (std::size_t axis = 0; axis < indices.size(); ++axis) {
    std::vector<std::int64_t> longer;
    longer.reserve(offsets.size() * indices[axis].size());
    for (const std::int64_t offset : offsets)
      for (const std::int64_t index : indices[axis])
        longer.push_back(offset < 0 || index < 0 ? -1 : offset + index * strides[axis]);
    offsets = std::move(longer);
  }
  return offsets;
}

// All elements of all tensors, one behind the other.
Tensor join_flat(std::span<const Tensor> tensors, std::int64_t count) {
  Tensor joined(tensors[0].dtype(), {count});
  const auto bits = static_cast<std::size_t>(bit_count(joined.dtype()));
  std::size_t position = 0;
  for (const Tensor& tensor : tensors) {
    const auto size = static_cast<std::size_t>(tensor.element_count());
    if (joined.dtype() == DataType::string) {
      std::ranges::copy(tensor.strings(),
                        joined.mutable_strings().begin() + static_cast<std::ptrdiff_t>(position));
    } else if (bits >= 8) {
      std::ranges::copy(tensor.bytes(),
                        joined.mutable_bytes().begin() + static_cast<std::ptrdiff_t>(position * bits / 8));
    } else {
      const std::span<std::byte> out = joined.mutable_bytes();
      for (std::size_t i = 0; i < size; ++i)
        write_bits(out, position + i, bits, read_bits(tensor.bytes(), i, bits));
    }
    position += size;
  }
  return joined;
}

void require_concatenable(std::span<const Tensor> tensors, std::size_t axis) {
  for (const Tensor& tensor : tensors) {
    bool fits = tensor.dtype() == tensors[0].dtype() && tensor.rank() == tensors[0].rank();
    for (std::size_t i = 0; fits && i < tensor.rank(); ++i)
      fits = i == axis || tensor.dims()[i] == tensors[0].dims()[i];
    if (!fits)
      throw UserError(fmt::format("{} {} cannot be concatenated to {} {} along axis {}",
                                  name_of(tensor.dtype()), to_string(tensor.dims()),
                                  name_of(tensors[0].dtype()), to_string(tensors[0].dims()), axis));
  }
}

}  // namespace

Tensor take_elements(const Tensor& source, Dims dims, std::span<const std::int64_t> from,
                     const Tensor& fill) {
  Tensor target(source.dtype(), std::move(dims));
  if (source.dtype() == DataType::string) {
    take_strings(source, from, fill, target);
    return target;
  }
  switch (bit_count(source.dtype())) {
    case 2:
    case 4:
      take_bits(source, from, fill, target);
      break;
    case 8:
      take_bytes<1>(source, from, fill, target);
      break;
    case 16:
      take_bytes<2>(source, from, fill, target);
      break;
    case 32:
      take_bytes<4>(source, from, fill, target);
      break;
    case 64:
      take_bytes<8>(source, from, fill, target);
      break;
    case 128:
      take_bytes<16>(source, from, fill, target);
      break;
    default:
      throw UserError(fmt::format("elements of {} cannot be moved", name_of(source.dtype())));
  }
  return target;
}

Tensor select_indices(const Tensor& source, const std::vector<std::vector<std::int64_t>>& indices,
                      const Tensor& fill) {
  Dims dims;
  for (const auto& list : indices) dims.push_back(static_cast<std::int64_t>(list.size()));
  return take_elements(source, std::move(dims), offsets_of(indices, strides_of(source.dims())), fill);
}

std::vector<std::vector<std::int64_t>> all_indices(std::span<const std::int64_t> dims) {
  std::vector<std::vector<std::int64_t>> indices;
  for (const std::int64_t dim : dims) {
    indices.emplace_back(static_cast<std::size_t>(dim));
    std::iota(indices.back().begin(), indices.back().end(), 0);
  }
  return indices;
}

Tensor transpose(const Tensor& source, std::span<const std::int64_t> permutation) {
  const Dims strides = strides_of(source.dims());
  Dims dims, moved_strides;
  for (const std::int64_t axis : permutation) {
    dims.push_back(source.dims()[static_cast<std::size_t>(axis)]);
    moved_strides.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  const std::vector<std::int64_t> from = offsets_of(all_indices(dims), moved_strides);
  return take_elements(source, std::move(dims), from);
}

Tensor concatenate(std::span<const Tensor> tensors, std::int64_t axis) {
  if (tensors.empty()) throw UserError("nothing to concatenate: at least one tensor is needed");
  const auto along = static_cast<std::size_t>(normalize_axis(axis, tensors[0].rank()));
  require_concatenable(tensors, along);
  Dims dims = tensors[0].dims();
  dims[along] = 0;
  for (const Tensor& tensor : tensors) dims[along] += tensor.dims()[along];
  const Tensor joined = join_flat(tensors, element_count(dims));
  const std::int64_t outer = element_count(std::span(dims).first(along));
  std::vector<std::int64_t> from;
  from.reserve(static_cast<std::size_t>(joined.element_count()));
  for (std::int64_t i = 0; i < outer; ++i) {
    std::int64_t start = 0;
    for (const Tensor& tensor : tensors) {
      const std::int64_t block = tensor.element_count() / outer;
      for (std::int64_t j = 0; j < block; ++j) from.push_back(start + i * block + j);
      start += tensor.element_count();
    }
  }
  return take_elements(joined, std::move(dims), from);
}

Dims strides_of(std::span<const std::int64_t> dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

}  // namespace edgeopt
