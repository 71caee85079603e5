#include "ir/quantization/block_weights.h"

#include <fmt/format.h>

#include "support/error.h"

namespace edgeopt {
namespace {

int integer_at(std::span<const std::byte> bytes, std::int64_t position, int bits) {
  const std::int64_t bit = position * bits;
  return (std::to_integer<int>(bytes[static_cast<std::size_t>(bit / 8)]) >> (bit % 8)) & ((1 << bits) - 1);
}

void require_bytes(const Tensor& tensor, const char* what, std::int64_t wanted) {
  if (static_cast<std::int64_t>(tensor.bytes().size()) != wanted)
    throw UserError(fmt::format("the {} of MatMulNBits take {} bytes; its attributes say {}", what,
                                tensor.bytes().size(), wanted));
}

std::vector<double> zero_points_of(const BlockWeightLayout& layout, const std::optional<Tensor>& given) {
  const std::int64_t blocks = layout.blocks_per_row();
  std::vector<double> zeros(static_cast<std::size_t>(layout.rows * blocks), 1 << (layout.bits - 1));
  if (!given) return zeros;
  if (is_floating_point(given->dtype())) {
    if (given->element_count() != layout.rows * blocks)
      throw UserError(fmt::format("MatMulNBits has {} zero points for {} blocks", given->element_count(),
                                  layout.rows * blocks));
    return to_doubles(*given);
  }
  const std::int64_t row_bytes = (blocks * layout.bits + 7) / 8;
  require_bytes(*given, "zero points", layout.rows * row_bytes);
  for (std::int64_t n = 0; n < layout.rows; ++n)
    for (std::int64_t b = 0; b < blocks; ++b)
      zeros[static_cast<std::size_t>(n * blocks + b)] =
          integer_at(given->bytes().subspan(static_cast<std::size_t>(n * row_bytes)), b, layout.bits);
  return zeros;
}

}  // namespace

BlockWeightLayout block_weight_layout(const Attributes& attributes) {
  const BlockWeightLayout layout{.rows = attributes.get_int("N", 0),
                                 .columns = attributes.get_int("K", 0),
                                 .block_size = attributes.get_int("block_size", 0),
                                 .bits = static_cast<int>(attributes.get_int("bits", 4))};
  const bool has_bits = layout.bits == 2 || layout.bits == 4 || layout.bits == 8;
  const bool has_blocks = layout.block_size >= 16 && (layout.block_size & (layout.block_size - 1)) == 0;
  // A weight of more than 2^40 elements is none.
  constexpr std::int64_t most = std::int64_t{1} << 20;
  const auto is_size = [&](std::int64_t size) { return size > 0 && size <= most; };
  if (!has_bits || !has_blocks || !is_size(layout.rows) || !is_size(layout.columns) ||
      !is_size(layout.block_size))
    throw UserError(fmt::format("MatMulNBits with K {}, N {}, bits {} and block_size {} is not supported",
                                layout.columns, layout.rows, layout.bits, layout.block_size));
  return layout;
}

Tensor packed_blocks(const BlockWeightLayout& layout, const std::vector<std::int32_t>& integers) {
  const std::int64_t blocks = layout.blocks_per_row();
  Tensor packed(DataType::uint8, {layout.rows, blocks, layout.bytes_per_block()});
  const std::span<std::byte> bytes = packed.mutable_bytes();
  for (std::int64_t n = 0; n < layout.rows; ++n)
    for (std::int64_t k = 0; k < layout.columns; ++k) {
      const std::int64_t bit = (n * blocks * layout.block_size + k) * layout.bits;
      bytes[static_cast<std::size_t>(bit / 8)] |= static_cast<std::byte>(
          (integers[static_cast<std::size_t>(n * layout.columns + k)] << (bit % 8)) & 255);
    }
  return packed;
}

std::vector<float> unpacked_blocks(const BlockWeightLayout& layout, const Tensor& packed,
                                   const Tensor& scales, const std::optional<Tensor>& zero_points) {
  const std::int64_t blocks = layout.blocks_per_row();
  require_bytes(packed, "weights", layout.rows * blocks * layout.bytes_per_block());
  if (scales.element_count() != layout.rows * blocks)
    throw UserError(
        fmt::format("MatMulNBits has {} scales for {} blocks", scales.element_count(), layout.rows * blocks));
  const std::vector<double> zeros = zero_points_of(layout, zero_points);
  const std::vector<double> steps = to_doubles(scales);
  std::vector<float> weight(static_cast<std::size_t>(layout.rows * layout.columns));
  for (std::int64_t n = 0; n < layout.rows; ++n)
    for (std::int64_t k = 0; k < layout.columns; ++k) {
      const auto block = static_cast<std::size_t>(n * blocks + k / layout.block_size);
      const int integer = integer_at(packed.bytes(), n * blocks * layout.block_size + k, layout.bits);
      weight[static_cast<std::size_t>(n * layout.columns + k)] =
          static_cast<float>((integer - zeros[block]) * steps[block]);
    }
  return weight;
}

}  // namespace edgeopt
