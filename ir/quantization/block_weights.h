// Weights in blocks of neighbours, as com.microsoft.MatMulNBits packs them.
#pragma once
#include <optional>
#include <vector>

#include "ir/attributes.h"
#include "ir/tensor.h"

namespace edgeopt {

/// A weight [rows, columns]; every block of `block_size` neighbours in a row has one scale.
struct BlockWeightLayout {
  std::int64_t rows = 0;     // N: outputs
  std::int64_t columns = 0;  // K: inputs
  std::int64_t block_size = 0;
  int bits = 4;

  std::int64_t blocks_per_row() const { return (columns + block_size - 1) / block_size; }
  std::int64_t bytes_per_block() const { return block_size * bits / 8; }
};

/// From the attributes K, N, bits and block_size.
/// throws  UserError for bits other than 2, 4 and 8, or blocks that are no power of 2 of at least 16
BlockWeightLayout block_weight_layout(const Attributes& attributes);

/// integers [rows][columns], from 0 to 2^bits - 1  ->  [rows, blocks per row, bytes per block], low bits
/// first.
Tensor packed_blocks(const BlockWeightLayout& layout, const std::vector<std::int32_t>& integers);

/// The real weights, row after row.
/// zero_points  packed like the integers, [rows, bytes of a row]; or one float each; absent: 2^(bits - 1)
/// throws       UserError if a tensor has another size than the layout says
std::vector<float> unpacked_blocks(const BlockWeightLayout& layout, const Tensor& packed,
                                   const Tensor& scales, const std::optional<Tensor>& zero_points);

}  // namespace edgeopt
