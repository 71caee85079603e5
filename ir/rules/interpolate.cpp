#include "ir/rules/interpolate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "ir/rules/call_inputs.h"
#include "ir/rules/move_elements.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Where output element `o` lies in the input; source: the table of the Resize operator in the ONNX spec.
double source_coordinate(const ResizeAxis& axis, const Interpolation& how, std::int64_t o) {
  const auto x = static_cast<double>(o);
  const auto input = static_cast<double>(axis.input);
  const double output = axis.scale * input;
  const double half_pixel = (x + 0.5) / axis.scale - 0.5;
  if (how.coordinates == "half_pixel") return half_pixel;
  if (how.coordinates == "asymmetric") return x / axis.scale;
  if (how.coordinates == "align_corners") return axis.output == 1 ? 0 : x * (input - 1) / (output - 1);
  if (how.coordinates == "pytorch_half_pixel") return axis.output > 1 ? half_pixel : -0.5;
  if (how.coordinates == "half_pixel_symmetric")
    return input / 2 * (1 - static_cast<double>(axis.output) / output) + half_pixel;
  if (how.coordinates == "tf_half_pixel_for_nn") return (x + 0.5) / axis.scale;
  if (how.coordinates == "tf_crop_and_resize") {
    const double length = axis.roi_end - axis.roi_begin;
    return axis.output > 1 ? axis.roi_begin * (input - 1) + x * length * (input - 1) / (output - 1)
                           : (axis.roi_begin + axis.roi_end) * (input - 1) / 2;
  }
  throw UserError(
      fmt::format("coordinate_transformation_mode '{}' is not one that ONNX defines", how.coordinates));
}

bool is_extrapolated(const ResizeAxis& axis, const Interpolation& how, double x) {
  return how.coordinates == "tf_crop_and_resize" && (x < 0 || x > static_cast<double>(axis.input - 1));
}

std::int64_t nearest(double x, const std::string& mode) {
  if (mode == "round_prefer_floor") return to_int64(std::ceil(x - 0.5));
  if (mode == "round_prefer_ceil") return to_int64(std::floor(x + 0.5));
  if (mode == "floor") return to_int64(std::floor(x));
  if (mode == "ceil") return to_int64(std::ceil(x));
  throw UserError(fmt::format("nearest_mode '{}' is not one that ONNX defines", mode));
}

Tensor resize_nearest(const Tensor& tensor, std::span<const ResizeAxis> axes, const Interpolation& how) {
  std::vector<std::vector<std::int64_t>> indices = all_indices(tensor.dims());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].is_kept() && how.coordinates != "tf_crop_and_resize") continue;
    indices[i].clear();
    for (std::int64_t o = 0; o < axes[i].output; ++o) {
      const double x = source_coordinate(axes[i], how, o);
      const std::int64_t index = std::clamp<std::int64_t>(nearest(x, how.nearest_mode), 0, axes[i].input - 1);
      indices[i].push_back(is_extrapolated(axes[i], how, x) ? -1 : index);
    }
  }
  return select_indices(tensor, indices, from_doubles(tensor.dtype(), {}, {how.extrapolation_value}));
}

// Keys' cubic convolution kernel (1981), a = cubic_coeff_a
double cubic_weight(double distance, double a) {
  const double d = std::abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

struct Tap {
  std::int64_t index;
  double weight;
};

// The input elements that make up the one at coordinate x; their weights add up to 1.
std::vector<Tap> taps_at(const ResizeAxis& axis, const Interpolation& how, double x) {
  const bool is_cubic = how.mode == "cubic";
  // Antialiasing widens the kernel so that it sees every input element when shrinking.
  const double squeeze = how.is_antialiased ? std::min(axis.scale, 1.0) : 1;
  const double support = (is_cubic ? 2 : 1) / squeeze;
  // Beyond this every tap is the last element, however far.
  x = std::clamp(x, -support - 1, static_cast<double>(axis.input) + support);
  std::vector<Tap> taps;
  double sum = 0;
  const std::int64_t last = to_int64(std::floor(x + support));
  for (std::int64_t j = to_int64(std::ceil(x - support)); j <= last; ++j) {
    const bool is_outside = j < 0 || j >= axis.input;
    if (is_outside && how.excludes_outside) continue;
    const double distance = (static_cast<double>(j) - x) * squeeze;
    const double weight =
        is_cubic ? cubic_weight(distance, how.cubic_coefficient) : std::max(0.0, 1 - std::abs(distance));
    taps.push_back({std::clamp<std::int64_t>(j, 0, axis.input - 1), weight});
    sum += weight;
  }
  for (Tap& tap : taps) tap.weight /= sum;
  return taps;
}

// [outer, input, inner] -> [outer, output, inner]
std::vector<double> resample(const std::vector<double>& x, const std::vector<std::vector<Tap>>& taps,
                             std::size_t input, std::size_t inner) {
  const std::size_t outer = x.size() / std::max<std::size_t>(input * inner, 1);
  std::vector<double> y(outer * taps.size() * inner, 0);
  for (std::size_t i = 0; i < outer; ++i)
    for (std::size_t o = 0; o < taps.size(); ++o)
      for (const Tap& tap : taps[o]) {
        const double* from = x.data() + (i * input + static_cast<std::size_t>(tap.index)) * inner;
        double* to = y.data() + (i * taps.size() + o) * inner;
        for (std::size_t j = 0; j < inner; ++j) to[j] += tap.weight * from[j];
      }
  return y;
}

// The input elements of every output element along one axis; none where the output is extrapolated.
std::vector<std::vector<Tap>> taps_along(const ResizeAxis& axis, const Interpolation& how) {
  std::vector<std::vector<Tap>> taps;
  for (std::int64_t o = 0; o < axis.output; ++o) {
    const double x = source_coordinate(axis, how, o);
    if (is_extrapolated(axis, how, x))
      taps.emplace_back();
    else if (how.mode == "nearest")
      taps.push_back({{std::clamp<std::int64_t>(nearest(x, how.nearest_mode), 0, axis.input - 1), 1}});
    else
      taps.push_back(taps_at(axis, how, x));
  }
  return taps;
}

// [outer, output, inner] -> [outer, input, inner]
std::vector<double> resample_back(const std::vector<double>& y, const std::vector<std::vector<Tap>>& taps,
                                  std::size_t input, std::size_t inner) {
  const std::size_t outer = y.size() / std::max<std::size_t>(taps.size() * inner, 1);
  std::vector<double> x(outer * input * inner, 0);
  for (std::size_t i = 0; i < outer; ++i)
    for (std::size_t o = 0; o < taps.size(); ++o)
      for (const Tap& tap : taps[o]) {
        const double* from = y.data() + (i * taps.size() + o) * inner;
        double* to = x.data() + (i * input + static_cast<std::size_t>(tap.index)) * inner;
        for (std::size_t j = 0; j < inner; ++j) to[j] += tap.weight * from[j];
      }
  return x;
}

// Overwrites every slice of an axis that lies outside the region of interest.
void extrapolate(std::vector<double>& y, const std::vector<bool>& outside, std::size_t inner, double value) {
  for (std::size_t i = 0; i < y.size(); ++i)
    if (outside[i / inner % outside.size()]) y[i] = value;
}

Tensor resize_smooth(const Tensor& tensor, std::span<const ResizeAxis> axes, const Interpolation& how) {
  std::vector<double> elements = to_doubles(tensor);
  std::vector<std::vector<bool>> outside(axes.size());
  Dims dims = tensor.dims();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].is_kept() && how.coordinates != "tf_crop_and_resize") continue;
    std::vector<std::vector<Tap>> taps;
    for (std::int64_t o = 0; o < axes[i].output; ++o) {
      const double x = source_coordinate(axes[i], how, o);
      outside[i].push_back(is_extrapolated(axes[i], how, x));
      taps.push_back(taps_at(axes[i], how, outside[i].back() ? 0 : x));
    }
    const auto inner = static_cast<std::size_t>(element_count(std::span(dims).subspan(i + 1)));
    elements = resample(elements, taps, static_cast<std::size_t>(dims[i]), inner);
    dims[i] = axes[i].output;
  }
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (!outside[i].empty())
      extrapolate(elements, outside[i],
                  static_cast<std::size_t>(element_count(std::span(dims).subspan(i + 1))),
                  how.extrapolation_value);
  return from_doubles(tensor.dtype(), std::move(dims), elements);
}

void require_resizable(std::span<const ResizeAxis> axes) {
  for (const ResizeAxis& axis : axes)
    if (axis.output < 0 || (axis.output > 0 && axis.input < 1))
      throw UserError(fmt::format("an axis of {} elements cannot be resized to {}", axis.input, axis.output));
}

}  // namespace

Tensor resize(const Tensor& tensor, std::span<const ResizeAxis> axes, const Interpolation& how) {
  require_resizable(axes);
  if (how.mode == "nearest") return resize_nearest(tensor, axes, how);
  if (how.mode != "linear" && how.mode != "cubic")
    throw UserError(fmt::format("mode '{}' is not one of nearest, linear, cubic", how.mode));
  return resize_smooth(tensor, axes, how);
}

Tensor resize_back(const Tensor& gradient, std::span<const ResizeAxis> axes, const Interpolation& how) {
  require_resizable(axes);
  std::vector<double> elements = to_doubles(gradient);
  Dims dims = gradient.dims();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].is_kept() && how.coordinates != "tf_crop_and_resize") continue;
    const auto inner = static_cast<std::size_t>(element_count(std::span(dims).subspan(i + 1)));
    elements =
        resample_back(elements, taps_along(axes[i], how), static_cast<std::size_t>(axes[i].input), inner);
    dims[i] = axes[i].input;
  }
  return from_doubles(gradient.dtype(), std::move(dims), elements);
}

}  // namespace edgeopt
