#include "calibration/training/augmentation.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace edgeopt {
namespace {

bool is_image(const Dims& dims) {
  constexpr std::int64_t smallest_side = 16;  // below, moving pixels changes what is shown
  return dims.size() == 4 && dims[0] == 1 && (dims[1] == 1 || dims[1] == 3) && dims[2] >= smallest_side &&
         dims[3] >= smallest_side;
}

// Where the elements of one spatial axis come from: start + step * i, between two neighbours.
struct AxisMap {
  std::vector<std::int64_t> low;
  std::vector<std::int64_t> high;
  std::vector<float> share;  // of `high`
};

AxisMap map_axis(std::int64_t length, double start, double step) {
  AxisMap map;
  for (std::int64_t i = 0; i < length; ++i) {
    const double last = static_cast<double>(length - 1);
    const double at = std::clamp(start + step * static_cast<double>(i), 0.0, last);
    const double floor = std::floor(at);
    map.low.push_back(static_cast<std::int64_t>(floor));
    map.high.push_back(std::min(length - 1, static_cast<std::int64_t>(floor) + 1));
    map.share.push_back(static_cast<float>(at - floor));
  }
  return map;
}

AxisMap random_axis(std::int64_t length, const AugmentationOptions& options, double zoom,
                    RandomStream& random) {
  const double span = static_cast<double>(length - 1);
  const double room = span * (1 - zoom);
  const double shift = std::round((2 * random.uniform() - 1) * options.shift * static_cast<double>(length));
  return map_axis(length, room * random.uniform() + shift, zoom);
}

void reverse(AxisMap& map) {
  std::ranges::reverse(map.low);
  std::ranges::reverse(map.high);
  std::ranges::reverse(map.share);
}

void resample_plane(std::span<const float> from, std::span<float> to, const AxisMap& y, const AxisMap& x) {
  const std::size_t width = x.low.size();
  const auto at = [&](std::int64_t row, std::int64_t column) {
    return from[static_cast<std::size_t>(row) * width + static_cast<std::size_t>(column)];
  };
  for (std::size_t i = 0; i < y.low.size(); ++i)
    for (std::size_t j = 0; j < width; ++j) {
      const float top = at(y.low[i], x.low[j]) * (1 - x.share[j]) + at(y.low[i], x.high[j]) * x.share[j];
      const float bottom = at(y.high[i], x.low[j]) * (1 - x.share[j]) + at(y.high[i], x.high[j]) * x.share[j];
      to[i * width + j] = top * (1 - y.share[i]) + bottom * y.share[i];
    }
}

}  // namespace

AugmentationOptions augmentation_for(const Dims& input) {
  if (!is_image(input) || input[1] != 3) return {.mixing = 0.5};
  return {.flips = true, .shift = 0.08, .least_zoom = 0.8, .mixing = 0.5};
}

Tensor augmented(const Tensor& sample, const AugmentationOptions& options, RandomStream& random) {
  const bool moves = options.flips || options.shift > 0 || options.least_zoom < 1;
  if (!moves || !is_image(sample.dims()) || sample.dtype() != DataType::float32) return sample;
  const double zoom = 1 - (1 - options.least_zoom) * random.uniform();
  const AxisMap y = random_axis(sample.dims()[2], options, zoom, random);
  AxisMap x = random_axis(sample.dims()[3], options, zoom, random);
  if (options.flips && random.uniform() < 0.5) reverse(x);
  Tensor result(DataType::float32, sample.dims());
  const auto plane = static_cast<std::size_t>(sample.dims()[2] * sample.dims()[3]);
  const std::span<const float> from = sample.data<float>();
  const std::span<float> to = result.mutable_data<float>();
  for (std::size_t start = 0; start < from.size(); start += plane)
    resample_plane(from.subspan(start, plane), to.subspan(start, plane), y, x);
  return result;
}

Tensor blended(const Tensor& a, const Tensor& b, double share) {
  if (a.dtype() != DataType::float32 || a.dims() != b.dims()) return a;
  Tensor result(DataType::float32, a.dims());
  const std::span<float> y = result.mutable_data<float>();
  const std::span<const float> x1 = a.data<float>(), x2 = b.data<float>();
  const auto first = static_cast<float>(share);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = first * x1[i] + (1 - first) * x2[i];
  return result;
}

}  // namespace edgeopt
