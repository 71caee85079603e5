#include "ir/quantization/quantization_scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/quantization/weight_scales.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// The largest float not above x.
float round_towards_zero(double x) {
  const float nearest = static_cast<float>(x);
  return static_cast<double>(nearest) > x ? std::nextafter(nearest, 0.0f) : nearest;
}

}  // namespace

int QuantizationScheme::lowest() const {
  if (!is_signed(type)) return 0;
  return is_symmetric && bits > 4 ? -((1 << (bits - 1)) - 1) : -(1 << (bits - 1));
}

int QuantizationScheme::highest() const { return is_signed(type) ? (1 << (bits - 1)) - 1 : (1 << bits) - 1; }

QuantizationScheme scheme_of(const ValueQuantization& quantization) {
  return {.type = quantization.type, .bits = quantization.bits, .is_symmetric = quantization.is_symmetric};
}

QuantizationParameters parameters_for(const Range& range, const QuantizationScheme& scheme) {
  const double min = std::min(range.min, 0.0);
  const double max = std::max(range.max, 0.0);
  if (!std::isfinite(min) || !std::isfinite(max))
    throw UserError(
        fmt::format("the range [{}, {}] is not finite and cannot be quantized", range.min, range.max));
  const int middle = is_signed(scheme.type) ? 0 : 1 << (scheme.bits - 1);
  const double steps = scheme.highest() - scheme.lowest();
  double scale = (max - min) / steps;
  if (scheme.is_symmetric)
    scale = std::max(max / (scheme.highest() - middle), -min / (middle - scheme.lowest()));
  const float rounded = round_towards_zero(scale);
  if (!(rounded >= std::numeric_limits<float>::min()))
    return {.scale = 1, .zero_point = scheme.is_symmetric ? middle : scheme.lowest()};
  if (scheme.is_symmetric) return {.scale = rounded, .zero_point = middle};
  const double zero = scheme.lowest() - min / static_cast<double>(rounded);
  return {.scale = rounded,
          .zero_point = static_cast<std::int32_t>(
              std::clamp<double>(std::nearbyint(zero), scheme.lowest(), scheme.highest()))};
}

Range covered_range(const QuantizationParameters& parameters, const QuantizationScheme& scheme) {
  return {.min = static_cast<double>(dequantize(scheme.lowest(), parameters)),
          .max = static_cast<double>(dequantize(scheme.highest(), parameters))};
}

std::int32_t quantize(float x, const QuantizationParameters& parameters, const QuantizationScheme& scheme) {
  const float rounded = std::nearbyint(x / parameters.scale);
  if (std::isnan(rounded)) return parameters.zero_point;
  const float shifted = rounded + static_cast<float>(parameters.zero_point);
  return static_cast<std::int32_t>(
      std::clamp(shifted, static_cast<float>(scheme.lowest()), static_cast<float>(scheme.highest())));
}

float dequantize(std::int32_t integer, const QuantizationParameters& parameters) {
  return static_cast<float>(integer - parameters.zero_point) * parameters.scale;
}

Tensor store_integers(const std::vector<std::int32_t>& integers, const Dims& dims, DataType type) {
  if (bit_count(type) != 8) return from_int64s(type, dims, {integers.begin(), integers.end()});
  Tensor result(type, dims);
  const std::span<std::byte> bytes = result.mutable_bytes();
  for (std::size_t i = 0; i < integers.size(); ++i) bytes[i] = static_cast<std::byte>(integers[i] & 0xFF);
  return result;
}

QuantizedWeight quantize_weight(const Tensor& weight, int axis, const QuantizationScheme& scheme,
                                std::span<const float> least_scales) {
  std::vector<float> scales = weight_scales(weight, axis, scheme);
  for (std::size_t c = 0; c < scales.size(); ++c) {
    if (c < least_scales.size()) scales[c] = std::max(scales[c], least_scales[c]);
    if (!(scales[c] >= std::numeric_limits<float>::min())) scales[c] = 1;
  }
  return quantize_weight_at(weight, axis, scheme, scales);
}

QuantizedWeight quantize_weight_at(const Tensor& weight, int axis, const QuantizationScheme& scheme,
                                   std::span<const float> scales) {
  const ChannelLayout layout = channel_layout(weight.dims(), axis);
  if (static_cast<std::int64_t>(scales.size()) != layout.channels)
    throw UserError(fmt::format("{} scales were given for a weight of shape {}, which has {} channels",
                                scales.size(), to_string(weight.dims()), layout.channels));
  for (const float scale : scales)
    if (!(scale > 0) || !std::isfinite(scale))
      throw UserError(fmt::format("{} is no scale; it must be positive and finite", scale));
  const std::span<const float> weights = weight.data<float>();
  std::vector<std::int32_t> integers(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float scale = scales[layout.channel_of(static_cast<std::int64_t>(i))];
    integers[i] = quantize(weights[i], {.scale = scale}, scheme);
  }
  const Dims scale_dims = axis < 0 ? Dims{} : Dims{layout.channels};
  return {.integers = store_integers(integers, weight.dims(), scheme.type),
          .scales = Tensor::of<float>(scale_dims, {scales.begin(), scales.end()})};
}

Tensor quantize_bias(const Tensor& bias, std::span<const float> scales) {
  const std::span<const float> values = bias.data<float>();
  std::vector<std::int32_t> integers(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = scales.size() == 1 ? scales[0] : scales[i];
    const double rounded = std::nearbyint(static_cast<double>(values[i]) / scale);
    integers[i] = static_cast<std::int32_t>(std::clamp<double>(
        rounded, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
  }
  return Tensor::of<std::int32_t>(bias.dims(), integers);
}

}  // namespace edgeopt
