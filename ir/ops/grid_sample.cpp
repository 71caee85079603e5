// y[n, c, p] = x[n, c] interpolated at the point grid[n, p], whose coordinates in [-1, 1] span the image, the
// last image axis first.
#include <array>
#include <cmath>

#include "ir/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr double cubic_coefficient = -0.75;  // the spec's A

enum class Padding { zeros, border, reflection };
enum class Interpolation { nearest, linear, cubic };

struct Sampling {
  Interpolation interpolation = Interpolation::linear;
  Padding padding = Padding::zeros;
  bool aligns_corners = false;
};

// One pixel along one axis that takes part with a weight; index -1 where zeros are read.
struct Tap {
  std::int64_t index = -1;
  double weight = 0;
};

Sampling sampling_of(const Attributes& attributes) {
  const std::string mode = attributes.get_string("mode", "linear");
  const std::string padding = attributes.get_string("padding_mode", "zeros");
  Sampling sampling{.aligns_corners = attributes.get_int("align_corners", 0) != 0};
  if (mode == "nearest") sampling.interpolation = Interpolation::nearest;
  if (mode == "cubic" || mode == "bicubic") sampling.interpolation = Interpolation::cubic;
  if (padding == "border") sampling.padding = Padding::border;
  if (padding == "reflection") sampling.padding = Padding::reflection;
  return sampling;
}

// Mirrored at both ends until it lies between them.
double reflected(double x, double low, double high) {
  const double span = high - low;
  if (span <= 0) return low;
  const double distance = std::fabs(x - low);
  const double rest = std::fmod(distance, 2 * span);
  return low + (rest <= span ? rest : 2 * span - rest);
}

double padded(double x, std::int64_t length, const Sampling& sampling) {
  const auto last = static_cast<double>(length - 1);
  if (sampling.padding == Padding::border) return std::fmin(std::fmax(x, 0), last);
  if (sampling.padding == Padding::zeros) return x;
  return sampling.aligns_corners ? reflected(x, 0, last) : reflected(x, -0.5, last + 0.5);
}

// NaN and what lies outside read zeros.
std::int64_t pixel_index(double x, std::int64_t length, const Sampling& sampling) {
  const double pixel = padded(x, length, sampling);
  return pixel >= 0 && pixel < static_cast<double>(length) ? static_cast<std::int64_t>(pixel) : -1;
}

double in_pixels(double coordinate, std::int64_t length, bool aligns_corners) {
  const auto size = static_cast<double>(length);
  return aligns_corners ? (coordinate + 1) / 2 * (size - 1) : ((coordinate + 1) * size - 1) / 2;
}

// Keys' convolution kernel at distances 1 + t, t, 1 - t, 2 - t.
std::array<double, 4> cubic_weights(double t) {
  constexpr double a = cubic_coefficient;
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

std::vector<Tap> taps_along(double coordinate, std::int64_t length, const Sampling& sampling) {
  double x = in_pixels(coordinate, length, sampling.aligns_corners);
  if (sampling.interpolation == Interpolation::nearest) x = std::nearbyint(x);
  if (sampling.interpolation != Interpolation::cubic) x = padded(x, length, sampling);
  const auto tap = [&](double position, double weight) {
    return Tap{pixel_index(position, length, sampling), weight};
  };
  if (sampling.interpolation == Interpolation::nearest) return {tap(x, 1)};
  const double start = std::floor(x);
  const double t = x - start;
  if (sampling.interpolation == Interpolation::linear) return {tap(start, 1 - t), tap(start + 1, t)};
  std::vector<Tap> taps;
  const std::array<double, 4> weights = cubic_weights(t);
  for (int i = 0; i < 4; ++i) taps.push_back(tap(start - 1 + i, weights[static_cast<std::size_t>(i)]));
  return taps;
}

// All combinations of one tap per axis, as pixels of one channel.
std::vector<Tap> all_taps(std::span<const double> point, std::span<const std::int64_t> sizes,
                          const Sampling& sampling) {
  std::vector<Tap> combined = {{0, 1}};
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    std::vector<Tap> next;
    for (const Tap& before : combined)
      for (const Tap& tap : taps_along(point[sizes.size() - 1 - axis], sizes[axis], sampling))
        if (tap.index >= 0)
          next.push_back({before.index * sizes[axis] + tap.index, before.weight * tap.weight});
    combined = std::move(next);
  }
  return combined;
}

void require_fitting(const Dims& x, const Dims& grid) {
  if (x.size() < 3 || grid.size() != x.size() || grid[0] != x[0] ||
      grid.back() != static_cast<std::int64_t>(x.size()) - 2)
    throw UserError("the grid must have the batch of x and as many coordinates as x has image axes");
}

Tensors evaluate(const EvaluateCall& call) {
  const Dims& x = call.inputs[0].dims();
  const Dims& grid = call.inputs[1].dims();
  require_fitting(x, grid);
  const Sampling sampling = sampling_of(call.attributes());
  const std::span<const std::int64_t> sizes = std::span(x).subspan(2);
  const std::int64_t pixel_count = element_count(sizes);
  const std::int64_t point_count = element_count(std::span(grid).subspan(1, grid.size() - 2));
  const std::vector<double> pixels = to_doubles(call.inputs[0]);
  const std::vector<double> points = to_doubles(call.inputs[1]);
  Dims dims = {x[0], x[1]};
  dims.insert(dims.end(), grid.begin() + 1, grid.end() - 1);
  std::vector<double> result(static_cast<std::size_t>(element_count(dims)), 0);
  for (std::int64_t n = 0; n < x[0]; ++n)
    for (std::int64_t p = 0; p < point_count; ++p) {
      const auto start = static_cast<std::size_t>(n * point_count + p) * sizes.size();
      const std::vector<Tap> taps = all_taps(std::span(points).subspan(start, sizes.size()), sizes, sampling);
      for (std::int64_t c = n * x[1]; c < (n + 1) * x[1]; ++c)
        for (const Tap& tap : taps)
          result[static_cast<std::size_t>(c * point_count + p)] +=
              tap.weight * pixels[static_cast<std::size_t>(c * pixel_count + tap.index)];
    }
  return {from_doubles(call.inputs[0].dtype(), dims, result)};
}

std::vector<Operand> infer(const InferCall& call) {
  const ValueType& x = call.inputs[0].type;
  const Operand& grid = call.inputs[1];
  if (!x.shape || !grid.has_shape() || x.shape->size() < 3 || grid.shape().size() != x.shape->size())
    return {operand(x.dtype, std::nullopt)};
  Shape shape(x.shape->begin(), x.shape->begin() + 2);
  shape.insert(shape.end(), grid.shape().begin() + 1, grid.shape().end() - 1);
  return {operand(x.dtype, shape)};
}

}  // namespace

OpDefinition grid_sample_op() {
  return {
      .name = "GridSample",
      .versions = {16, 20, 22},
      .required_inputs = 2,
      .infer = infer,
      .evaluate = evaluate,
      .count_cost = operations_per_output(8),
  };
}

}  // namespace edgeopt
