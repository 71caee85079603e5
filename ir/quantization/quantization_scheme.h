// Float <-> integer: the affine map real = scale * (integer - zero_point) of ONNX QuantizeLinear and
// DequantizeLinear.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/data_type.h"
#include "ir/graph.h"
#include "ir/tensor.h"

namespace edgeopt {

/// The integers that a quantized tensor may hold and where its zero lies.
struct QuantizationScheme {
  DataType type = DataType::uint8;
  int bits = 8;
  bool is_symmetric = false;  // zero point in the middle: 0 for signed types, 2^(bits-1) for unsigned ones

  /// Symmetric and signed: [-127, 127] and the like, without the one integer that has no counterpart; with 4
  /// bits and less, where it is a sixteenth or more of all integers, [-8, 7].
  int lowest() const;
  int highest() const;
  bool operator==(const QuantizationScheme&) const = default;
};

/// What a value was decided to have ahead (type and bits).
QuantizationScheme scheme_of(const ValueQuantization& quantization);

/// One scale and zero point.
struct QuantizationParameters {
  float scale = 1;
  std::int32_t zero_point = 0;
  bool operator==(const QuantizationParameters&) const = default;
};

/// Scale and zero point that cover `range` (widened to include 0, which must be an exact integer).
///
/// The scale is rounded towards zero, so that a range that ends at an activation's bound stays inside it.
/// returns  scale 1 and the neutral zero point for the empty range [0, 0]
/// throws   UserError if the range is not finite
QuantizationParameters parameters_for(const Range& range, const QuantizationScheme& scheme);

/// The real numbers that the integers of `scheme` can express.
Range covered_range(const QuantizationParameters& parameters, const QuantizationScheme& scheme);

/// round-half-to-even(x / scale) + zero point, saturated; NaN becomes the zero point.
std::int32_t quantize(float x, const QuantizationParameters& parameters, const QuantizationScheme& scheme);
float dequantize(std::int32_t integer, const QuantizationParameters& parameters);

/// Weights quantized symmetrically, one scale per index of `axis` (one for all if axis < 0).
struct QuantizedWeight {
  Tensor integers;  // of scheme.type, dims of the weight
  Tensor scales;    // float [channels], or a scalar
};

/// The integers as a tensor of `type`; those of fewer than 8 bits are packed as ONNX packs them.
Tensor store_integers(const std::vector<std::int32_t>& integers, const Dims& dims, DataType type);

/// Quantizes a weight to the nearest integers, at scales that cover every channel; with 4 bits and less at
/// those of ir/quantization/weight_scales.h, which leave the least squared error.
///
/// weight         float, any rank
/// axis           the channel axis, or -1
/// least_scales   a lower bound for each channel's scale (empty: none), for biases that must fit 32 bits
QuantizedWeight quantize_weight(const Tensor& weight, int axis, const QuantizationScheme& scheme,
                                std::span<const float> least_scales = {});

/// The same at scales that are given, one per index of `axis` or one for all.
/// throws  UserError unless there is one positive scale for each
QuantizedWeight quantize_weight_at(const Tensor& weight, int axis, const QuantizationScheme& scheme,
                                   std::span<const float> scales);

/// Bias as int32 at the given scales, saturated. scales: one per element, or one for all.
Tensor quantize_bias(const Tensor& bias, std::span<const float> scales);

}  // namespace edgeopt
