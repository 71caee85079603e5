#include "ir/quantization/block_layout.h"

#include <limits>

#include "ir/quantization/weight_scales.h"

namespace edgeopt {
namespace {

// One block per row, filled up with zeros.
Tensor rows_of(const Tensor& weight, const BlockLayout& blocks) {
  Tensor rows(DataType::float32, {blocks.lines() * blocks.per_line(), blocks.size});
  const std::span<float> elements = rows.mutable_data<float>();
  for (std::int64_t line = 0; line < blocks.lines(); ++line)
    for (std::int64_t k = 0; k < blocks.length(); ++k) {
      const std::int64_t row = line * blocks.per_line() + k / blocks.size;
      elements[static_cast<std::size_t>(row * blocks.size + k % blocks.size)] =
          weight.data<float>()[blocks.element(line, k)];
    }
  return rows;
}

}  // namespace

BlockLayout block_layout(const Dims& matrix, const ValueQuantization& marked) {
  return {
      .dims = matrix, .axis = marked.axis == 0 ? std::size_t{0} : std::size_t{1}, .size = marked.block_size};
}

std::vector<float> block_scales(const Tensor& weight, const BlockLayout& blocks,
                                const QuantizationScheme& scheme) {
  const std::vector<float> by_row = weight_scales(rows_of(weight, blocks), 0, scheme);
  std::vector<float> scales(by_row.size());
  for (std::int64_t line = 0; line < blocks.lines(); ++line)
    for (std::int64_t b = 0; b < blocks.per_line(); ++b) {
      const float scale = by_row[static_cast<std::size_t>(line * blocks.per_line() + b)];
      scales[blocks.scale(line, b)] = scale >= std::numeric_limits<float>::min() ? scale : 1;
    }
  return scales;
}

std::vector<std::int32_t> block_integers(const Tensor& weight, const BlockLayout& blocks,
                                         const QuantizationScheme& scheme, std::span<const float> scales) {
  std::vector<std::int32_t> integers(static_cast<std::size_t>(weight.element_count()));
  for (std::int64_t line = 0; line < blocks.lines(); ++line)
    for (std::int64_t k = 0; k < blocks.length(); ++k) {
      const std::size_t i = blocks.element(line, k);
      integers[i] =
          quantize(weight.data<float>()[i], {.scale = scales[blocks.scale(line, k / blocks.size)]}, scheme);
    }
  return integers;
}

}  // namespace edgeopt
