#include "ir/quantization_scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/error.h"

namespace edgeopt {
namespace {

// The largest float not above x.
float round_towards_zero(double x) {
  const float nearest = static_cast<float>(x);
  return static_cast<double>(nearest) > x ? std::nextafter(nearest, 0.0f) : nearest;
}

// Element i of a tensor belongs to channel (i / inner) % channels.
struct ChannelLayout {
  std::int64_t channels = 1;
  std::int64_t inner = 1;
  std::size_t channel_of(std::int64_t i) const { return static_cast<std::size_t>((i / inner) % channels); }
};

ChannelLayout layout_of(const Dims& dims, int axis) {
  if (axis < 0) return {.channels = 1, .inner = std::max<std::int64_t>(1, element_count(dims))};
  ChannelLayout layout{.channels = dims.at(static_cast<std::size_t>(axis))};
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < dims.size(); ++i) layout.inner *= dims[i];
  layout.inner = std::max<std::int64_t>(1, layout.inner);
  return layout;
}

Tensor store(const std::vector<std::int32_t>& integers, const Dims& dims, DataType type) {
  Tensor result(type, dims);
  const std::span<std::byte> bytes = result.mutable_bytes();
  for (std::size_t i = 0; i < integers.size(); ++i) bytes[i] = static_cast<std::byte>(integers[i] & 0xFF);
  return result;
}

std::vector<float> channel_scales(std::span<const float> weights, const ChannelLayout& layout, int highest) {
  std::vector<float> largest(static_cast<std::size_t>(layout.channels), 0.0f);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    float& magnitude = largest[layout.channel_of(static_cast<std::int64_t>(i))];
    magnitude = std::max(magnitude, std::abs(weights[i]));
  }
  for (float& value : largest) value /= static_cast<float>(highest);
  return largest;
}

}  // namespace

int QuantizationScheme::lowest() const {
  if (!is_signed(type)) return 0;
  return is_symmetric ? -((1 << (bits - 1)) - 1) : -(1 << (bits - 1));
}

int QuantizationScheme::highest() const { return is_signed(type) ? (1 << (bits - 1)) - 1 : (1 << bits) - 1; }

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

QuantizedWeight quantize_weight(const Tensor& weight, int axis, const QuantizationScheme& scheme,
                                std::span<const float> least_scales) {
  const ChannelLayout layout = layout_of(weight.dims(), axis);
  const std::span<const float> weights = weight.data<float>();
  std::vector<float> scales = channel_scales(weights, layout, scheme.highest());
  for (std::size_t c = 0; c < scales.size(); ++c) {
    if (c < least_scales.size()) scales[c] = std::max(scales[c], least_scales[c]);
    if (!(scales[c] >= std::numeric_limits<float>::min())) scales[c] = 1;
  }
  std::vector<std::int32_t> integers(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float scale = scales[layout.channel_of(static_cast<std::int64_t>(i))];
    integers[i] = quantize(weights[i], {.scale = scale}, scheme);
  }
  const Dims scale_dims = axis < 0 ? Dims{} : Dims{layout.channels};
  return {.integers = store(integers, weight.dims(), scheme.type),
          .scales = Tensor::of<float>(scale_dims, scales)};
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
