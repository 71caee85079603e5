// A matrix of weights taken apart into blocks along its inputs, each with a scale of its own.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/quantization/quantization_scheme.h"
#include "ir/tensor.h"

namespace edgeopt {

/// Block b of line i holds the elements (i, b * size ...) along `axis`; the last of a line may be shorter.
struct BlockLayout {
  Dims dims;  // of the matrix
  std::size_t axis = 0;
  std::int64_t size = 0;

  std::int64_t lines() const { return dims[1 - axis]; }
  std::int64_t length() const { return dims[axis]; }
  std::int64_t per_line() const { return (length() + size - 1) / size; }
  std::size_t element(std::int64_t line, std::int64_t k) const {
    return static_cast<std::size_t>(axis == 0 ? k * dims[1] + line : line * dims[1] + k);
  }
  /// Where ONNX's DequantizeLinear has the scale of a block.
  std::size_t scale(std::int64_t line, std::int64_t block) const {
    return static_cast<std::size_t>(axis == 0 ? block * lines() + line : line * per_line() + block);
  }
  Dims scale_dims() const {
    Dims result = dims;
    result[axis] = per_line();
    return result;
  }
};
/// The blocks of a matrix that was marked for them (Value::quantization).
BlockLayout block_layout(const Dims& matrix, const ValueQuantization& marked);

/// The scale of least squared error of every block, as BlockLayout::scale places them; 1 for zeros.
std::vector<float> block_scales(const Tensor& weight, const BlockLayout& blocks,
                                const QuantizationScheme& scheme);

/// The nearest integers at these scales, in the order of the weight's elements.
std::vector<std::int32_t> block_integers(const Tensor& weight, const BlockLayout& blocks,
                                         const QuantizationScheme& scheme, std::span<const float> scales);

}  // namespace edgeopt
