#include "calibration/training/soft_rounding.h"

#include <algorithm>
#include <cmath>

#include "ir/quantization/quantized_scale.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// sigmoid(30) is 1 and sigmoid(-30) is 0 to 13 digits: h is exactly at its ends.
constexpr float far_out = 30;

double h_of(double v) {
  const double wide = rounding_stretch / (1 + std::exp(-v)) - (rounding_stretch - 1) / 2;
  return std::clamp(wide, 0.0, 1.0);
}

double inverse_h(double h) {
  const double share = (h + (rounding_stretch - 1) / 2) / rounding_stretch;
  return std::log(share / (1 - share));
}

}  // namespace

SoftRounding soft_rounding_of(const Tensor& weight, const Tensor& scale, const IntegerPlace& place) {
  SoftRounding result{.floor = Tensor(DataType::float32, weight.dims()),
                      .variable = Tensor(DataType::float32, weight.dims())};
  const std::vector<std::int64_t> index =
      scale_indexes(weight.dims(), scale.dims(), {.axis = std::max(0, place.axis)});
  const std::span<const float> w = weight.data<float>();
  const std::span<const float> s = scale.data<float>();
  const std::span<float> floor = result.floor.mutable_data<float>();
  const std::span<float> variable = result.variable.mutable_data<float>();
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double ratio =
        static_cast<double>(w[i]) / static_cast<double>(s[static_cast<std::size_t>(index[i])]);
    floor[i] = static_cast<float>(
        std::clamp(std::floor(ratio), static_cast<double>(place.low), static_cast<double>(place.high)));
    variable[i] = static_cast<float>(inverse_h(std::clamp(ratio - static_cast<double>(floor[i]), 0.0, 1.0)));
  }
  Dims dims;
  if (place.axis >= 0) {
    dims.assign(weight.rank(), 1);
    dims[static_cast<std::size_t>(place.axis)] = scale.element_count();
  }
  result.scale = scale.reshaped(dims);
  return result;
}

Tensor hardened(const Graph& graph, const Node& dequantize, const Tensor& floor, const Tensor& variable) {
  const std::optional<IntegerPlace> place = integer_place_at(graph, dequantize);
  if (!place) throw InternalError("integers are written to a place that was not read");
  std::vector<std::int64_t> integers = to_int64s(floor);
  const std::span<const float> v = variable.data<float>();
  for (std::size_t i = 0; i < integers.size(); ++i)
    integers[i] = std::clamp<std::int64_t>(integers[i] + (v[i] >= 0 ? 1 : 0), place->low, place->high);
  return from_int64s(integer_source_of(graph, dequantize)->integers.dtype(), floor.dims(), integers);
}

Tensor hardened(const Tensor& variable) {
  Tensor result = variable;
  for (float& v : result.mutable_data<float>()) v = v >= 0 ? far_out : -far_out;
  return result;
}

void add_rounding_pull(std::span<const float> variable, double weight, double sharpness,
                       std::span<float> gradient) {
  for (std::size_t i = 0; i < variable.size(); ++i) {
    const double h = h_of(static_cast<double>(variable[i]));
    if (h <= 0 || h >= 1) continue;
    const double sigmoid = 1 / (1 + std::exp(-static_cast<double>(variable[i])));
    const double centred = 2 * h - 1;
    const double by_h = -2 * sharpness * std::pow(std::abs(centred), sharpness - 1) * (centred < 0 ? -1 : 1);
    gradient[i] += static_cast<float>(weight * by_h * rounding_stretch * sigmoid * (1 - sigmoid));
  }
}

}  // namespace edgeopt
