// x = (raw * scale - mean[channel]) / std[channel], in float.
#include "calibration/samples/preprocessing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace edgeopt {
namespace {

/// The channels of a [1, ...] sample: how many, and how far apart neighbours of one channel lie.
struct Channels {
  std::int64_t count = 1;
  std::int64_t stride = 1;  // elements between channel c and c + 1
};

Channels channels_of(const Dims& dims, const std::string& layout) {
  if (dims.size() < 2) return {};
  if (layout == "nhwc") return {dims.back(), 1};
  std::int64_t stride = 1;
  for (std::size_t axis = 2; axis < dims.size(); ++axis) stride *= dims[axis];
  return {dims[1], stride};
}

/// One number per channel from one for all, one per channel, or none.
std::vector<double> per_channel(const std::vector<double>& given, double absent, std::int64_t count,
                                const char* what) {
  if (given.empty()) return std::vector<double>(static_cast<std::size_t>(count), absent);
  if (given.size() == 1) return std::vector<double>(static_cast<std::size_t>(count), given[0]);
  if (static_cast<std::int64_t>(given.size()) != count)
    throw UserError(fmt::format("{} has {} numbers, but the sample has {} channels; give one or {}", what,
                                given.size(), count, count));
  return given;
}

template <typename Raw>
void normalize_elements(std::span<const Raw> raw, std::span<float> target, const Channels& channels,
                        const Preprocessing& options) {
  const std::vector<double> mean = per_channel(options.mean, 0, channels.count, "mean");
  const std::vector<double> deviation = per_channel(options.std, 1, channels.count, "std");
  for (std::size_t begin = 0; begin < raw.size(); begin += static_cast<std::size_t>(channels.stride)) {
    const std::size_t channel = begin / static_cast<std::size_t>(channels.stride) % mean.size();
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(channels.stride); ++i)
      target[i] = static_cast<float>((static_cast<double>(raw[i]) * options.scale - mean[channel]) /
                                     deviation[channel]);
  }
}

Tensor normalize(const Tensor& raw, const Preprocessing& options) {
  Tensor result(DataType::float32, raw.dims());
  const std::span<float> target = result.mutable_data<float>();
  const Channels channels = channels_of(raw.dims(), options.layout);
  if (raw.dtype() == DataType::uint8)
    normalize_elements(raw.data<std::uint8_t>(), target, channels, options);
  else if (raw.dtype() == DataType::float32)
    normalize_elements(raw.data<float>(), target, channels, options);
  else
    normalize_elements(std::span<const double>(to_doubles(raw)), target, channels, options);
  return result;
}

void check_finite(const Tensor& tensor) {
  const std::span<const float> elements = tensor.data<float>();
  for (std::size_t i = 0; i < elements.size(); ++i)
    if (!std::isfinite(elements[i]))
      throw UserError(fmt::format(
          "element {} is {}; samples must be finite numbers: repair or remove this one", i, elements[i]));
}

bool is_real(DataType type) {
  return is_integer(type) || type == DataType::boolean || type == DataType::float16 ||
         type == DataType::float32 || type == DataType::float64 || type == DataType::bfloat16;
}

Tensor to_floating_point(const Tensor& raw, DataType wanted, const Preprocessing& options) {
  const bool is_half = raw.dtype() == DataType::float16 || raw.dtype() == DataType::bfloat16;
  const Tensor readable = is_half ? cast(raw, DataType::float32) : raw;
  const bool is_ready = readable.dtype() == DataType::float32 && !is_normalizing(options);
  const Tensor result = is_ready ? readable : normalize(readable, options);
  check_finite(result);
  return wanted == DataType::float32 ? result : cast(result, wanted);
}

bool can_widen(DataType from, DataType to) {
  if (!is_integer(from) && from != DataType::boolean) return false;
  if (!is_integer(to)) return false;
  if (from == DataType::boolean) return true;
  if (is_signed(from) == is_signed(to)) return bit_count(from) < bit_count(to);
  return is_signed(to) && bit_count(from) < bit_count(to);
}

Tensor convert(const Tensor& raw, const SamplePlace& place, const Preprocessing& options) {
  const DataType wanted = place.type.dtype == DataType::undefined ? raw.dtype() : place.type.dtype;
  if (!is_real(raw.dtype()))
    throw UserError(fmt::format("its elements are {}, not real numbers", name_of(raw.dtype())));
  if (is_floating_point(wanted)) return to_floating_point(raw, wanted, options);
  if (is_normalizing(options) && wanted == DataType::uint8)
    throw UserError(
        fmt::format("mean, std or scale is given, but input '{}' wants uint8: leave them out", place.input));
  if (wanted == raw.dtype()) return raw;
  if (can_widen(raw.dtype(), wanted)) return cast(raw, wanted);
  throw UserError(fmt::format("its elements are {}, but input '{}' wants {}; convert the array",
                              name_of(raw.dtype()), place.input, name_of(wanted)));
}

}  // namespace

bool is_normalizing(const Preprocessing& options) {
  return options.scale != 1 || !options.mean.empty() || !options.std.empty();
}

std::string describe(const Preprocessing& options) {
  std::vector<std::string> parts;
  if (!options.resize.empty()) parts.push_back(fmt::format("resize {}", fmt::join(options.resize, "x")));
  if (!options.crop.empty()) parts.push_back(fmt::format("crop {}", fmt::join(options.crop, "x")));
  if (options.scale != 1) parts.push_back(fmt::format("scale {}", options.scale));
  if (!options.mean.empty()) parts.push_back(fmt::format("mean {}", fmt::join(options.mean, " ")));
  if (!options.std.empty()) parts.push_back(fmt::format("std {}", fmt::join(options.std, " ")));
  if (options.layout != "nchw") parts.push_back(options.layout);
  if (options.color != "rgb") parts.push_back(options.color);
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string describe(const SamplePlace& place) {
  if (place.array.empty()) return fmt::format("'{}'", place.file);
  return fmt::format("'{}', array '{}', sample {}", place.file, place.array, place.index);
}

Tensor prepare_sample(const Tensor& raw, const SamplePlace& place, const Preprocessing& preprocessing) {
  return while_doing(describe(place), [&] {
    check_sample_shape(raw.dims(), place);
    return convert(raw, place, preprocessing);
  });
}

void check_sample_shape(const Dims& dims, const SamplePlace& place) {
  if (!place.type.shape) return;
  const Shape& shape = *place.type.shape;
  bool fits = shape.size() == dims.size();
  for (std::size_t axis = 0; fits && axis < dims.size(); ++axis)
    fits = !shape[axis].is_number() || shape[axis].size == dims[axis];
  if (!fits)
    throw UserError(fmt::format("shape {} does not fit input '{}', which is {}", to_string(dims), place.input,
                                to_string(shape)));
}

void check_preprocessing(const Preprocessing& options) {
  for (const double deviation : options.std)
    if (deviation == 0 || !std::isfinite(deviation))
      throw UserError(fmt::format("std is {}; it divides, so it must be a number other than 0", deviation));
  for (const double mean : options.mean)
    if (!std::isfinite(mean)) throw UserError(fmt::format("mean is {}; it must be a finite number", mean));
  if (options.scale == 0 || !std::isfinite(options.scale))
    throw UserError(
        fmt::format("scale is {}; it multiplies, so it must be a number other than 0", options.scale));
  if (options.layout != "nchw" && options.layout != "nhwc")
    throw UserError(fmt::format("layout is '{}'; it must be nchw or nhwc", options.layout));
  if (options.color != "rgb" && options.color != "bgr" && options.color != "gray")
    throw UserError(fmt::format("color is '{}'; it must be rgb, bgr or gray", options.color));
  const auto check_size = [](const char* what, const std::vector<std::int64_t>& size) {
    constexpr std::int64_t largest_side = 16384;  // beyond it one decoded image would pass a gigabyte
    if (size.empty()) return;
    if (size.size() != 2 || std::min(size[0], size[1]) < 1 || std::max(size[0], size[1]) > largest_side)
      throw UserError(fmt::format("{} is [{}]; it must be height, width from 1 to {}", what,
                                  fmt::join(size, ","), largest_side));
  };
  check_size("resize", options.resize);
  check_size("crop", options.crop);
  if (!options.dtype.empty() && !data_type_named(options.dtype))
    throw UserError(
        fmt::format("dtype is '{}', which is no element type; try uint8 or float", options.dtype));
}

Preprocessing merge_preprocessing(const Preprocessing& base, const Preprocessing& overriding) {
  const Preprocessing untouched;
  Preprocessing merged = base;
  const auto take = [&](auto member) {
    if (overriding.*member != untouched.*member) merged.*member = overriding.*member;
  };
  take(&Preprocessing::resize);
  take(&Preprocessing::crop);
  take(&Preprocessing::mean);
  take(&Preprocessing::std);
  take(&Preprocessing::scale);
  take(&Preprocessing::layout);
  take(&Preprocessing::color);
  take(&Preprocessing::inputs);
  take(&Preprocessing::dtype);
  return merged;
}

}  // namespace edgeopt
