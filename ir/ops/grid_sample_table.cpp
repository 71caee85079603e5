// GridSample: y[n, c, p] = x[n, c] interpolated at the point grid[n, p], whose coordinates in [-1, 1] span
// the image, the last image axis first. GridSampleGradient(dy, x, grid) -> dx, dgrid in training graphs.
#include <array>
#include <cmath>
#include <limits>

#include "ir/gradient/gradient_rules.h"
#include "ir/rules/op_rules.h"
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

// One pixel along one axis that takes part with a weight; index -1 where zeros are read. The slope is the
// weight's derivative by the coordinate of the grid.
struct Tap {
  std::int64_t index = -1;
  double weight = 0;
  double slope = 0;
};

// A position along one axis in pixels, and its derivative by the coordinate of the grid.
struct Position {
  double x = 0;
  double slope = 1;
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
Position reflected(const Position& at, double low, double high) {
  const double span = high - low;
  if (span <= 0) return {low, 0};
  const double rest = std::fmod(std::fabs(at.x - low), 2 * span);
  const bool turns_low = at.x<low, turns_high = rest> span;
  return {low + (turns_high ? 2 * span - rest : rest), turns_low == turns_high ? at.slope : -at.slope};
}

Position padded(const Position& at, std::int64_t length, const Sampling& sampling) {
  const auto last = static_cast<double>(length - 1);
  if (sampling.padding == Padding::border)
    return {std::fmin(std::fmax(at.x, 0), last), at.x >= 0 && at.x <= last ? at.slope : 0};
  if (sampling.padding == Padding::zeros) return at;
  return sampling.aligns_corners ? reflected(at, 0, last) : reflected(at, -0.5, last + 0.5);
}

// NaN and what lies outside read zeros.
std::int64_t pixel_index(double x, std::int64_t length, const Sampling& sampling) {
  const double pixel = padded({x}, length, sampling).x;
  return pixel >= 0 && pixel < static_cast<double>(length) ? static_cast<std::int64_t>(pixel) : -1;
}

Position in_pixels(double coordinate, std::int64_t length, bool aligns_corners) {
  const auto size = static_cast<double>(length);
  if (aligns_corners) return {(coordinate + 1) / 2 * (size - 1), (size - 1) / 2};
  return {((coordinate + 1) * size - 1) / 2, size / 2};
}

// Keys' convolution kernel at distances 1 + t, t, 1 - t, 2 - t.
std::array<double, 4> cubic_weights(double t) {
  constexpr double a = cubic_coefficient;
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

// Their derivatives by t.
std::array<double, 4> cubic_slopes(double t) {
  constexpr double a = cubic_coefficient;
  const auto near = [](double d) { return (3 * (a + 2) * d - 2 * (a + 3)) * d; };
  const auto far = [](double d) { return (3 * a * d - 10 * a) * d + 8 * a; };
  return {far(1 + t), near(t), -near(1 - t), -far(2 - t)};
}

std::vector<Tap> taps_along(double coordinate, std::int64_t length, const Sampling& sampling) {
  Position at = in_pixels(coordinate, length, sampling.aligns_corners);
  if (sampling.interpolation == Interpolation::nearest) at = {std::nearbyint(at.x), 0};
  if (sampling.interpolation != Interpolation::cubic) at = padded(at, length, sampling);
  const auto tap = [&](double position, double weight, double slope) {
    return Tap{pixel_index(position, length, sampling), weight, slope * at.slope};
  };
  if (sampling.interpolation == Interpolation::nearest) return {tap(at.x, 1, 0)};
  const double start = std::floor(at.x);
  const double t = at.x - start;
  if (sampling.interpolation == Interpolation::linear) return {tap(start, 1 - t, -1), tap(start + 1, t, 1)};
  std::vector<Tap> taps;
  const std::array<double, 4> weights = cubic_weights(t), slopes = cubic_slopes(t);
  for (std::size_t i = 0; i < 4; ++i)
    taps.push_back(tap(start - 1 + static_cast<double>(i), weights[i], slopes[i]));
  return taps;
}

constexpr std::size_t no_axis = std::numeric_limits<std::size_t>::max();

// All combinations of one tap per axis, as pixels of one channel; along `sloped_axis` with the slope as the
// weight, which makes them the derivative by the coordinate of that axis.
std::vector<Tap> all_taps(std::span<const double> point, std::span<const std::int64_t> sizes,
                          const Sampling& sampling, std::size_t sloped_axis = no_axis) {
  std::vector<Tap> combined = {{0, 1}};
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    std::vector<Tap> next;
    for (const Tap& before : combined)
      for (const Tap& tap : taps_along(point[sizes.size() - 1 - axis], sizes[axis], sampling))
        if (tap.index >= 0)
          next.push_back({before.index * sizes[axis] + tap.index,
                          before.weight * (axis == sloped_axis ? tap.slope : tap.weight)});
    combined = std::move(next);
  }
  return combined;
}

void require_fitting(const Dims& x, const Dims& grid) {
  if (x.size() < 3 || grid.size() != x.size() || grid[0] != x[0] ||
      grid.back() != static_cast<std::int64_t>(x.size()) - 2)
    throw UserError("the grid must have the batch of x and as many coordinates as x has image axes");
}

/// The image x, the grid, and one visit per point of it.
class Grid {
 public:
  Grid(const Tensor& x, const Tensor& grid, const Attributes& attributes)
      : x_(x.dims()), grid_(grid.dims()), points_(to_doubles(grid)), sampling_(sampling_of(attributes)) {
    require_fitting(x_, grid_);
  }

  std::int64_t point_count() const { return element_count(std::span(grid_).subspan(1, grid_.size() - 2)); }
  std::size_t axis_count() const { return x_.size() - 2; }
  Dims result_dims() const {
    Dims dims = {x_[0], x_[1]};
    dims.insert(dims.end(), grid_.begin() + 1, grid_.end() - 1);
    return dims;
  }

  /// visit(pixel, point, weight) for every element of x that takes part in an element of the result.
  template <typename Visit>
  void for_each_tap(std::int64_t n, std::int64_t p, std::size_t sloped_axis, Visit visit) const {
    const std::vector<Tap> taps = all_taps(point(n, p), sizes(), sampling_, sloped_axis);
    const std::int64_t pixels = element_count(sizes()), points = point_count();
    for (std::int64_t c = n * x_[1]; c < (n + 1) * x_[1]; ++c)
      for (const Tap& tap : taps)
        visit(static_cast<std::size_t>(c * pixels + tap.index), static_cast<std::size_t>(c * points + p),
              tap.weight);
  }

  /// visit(n, p) for every point of every image.
  template <typename Visit>
  void for_each_point(Visit visit) const {
    for (std::int64_t n = 0; n < x_[0]; ++n)
      for (std::int64_t p = 0; p < point_count(); ++p) visit(n, p);
  }

 private:
  std::span<const std::int64_t> sizes() const { return std::span(x_).subspan(2); }
  std::span<const double> point(std::int64_t n, std::int64_t p) const {
    return std::span(points_).subspan(static_cast<std::size_t>(n * point_count() + p) * axis_count(),
                                      axis_count());
  }

  Dims x_, grid_;
  std::vector<double> points_;
  Sampling sampling_;
};

Tensors evaluate(const EvaluateCall& call) {
  const Grid grid(call.inputs[0], call.inputs[1], call.attributes());
  const std::vector<double> x = to_doubles(call.inputs[0]);
  std::vector<double> y(static_cast<std::size_t>(element_count(grid.result_dims())), 0);
  grid.for_each_point([&](std::int64_t n, std::int64_t p) {
    grid.for_each_tap(n, p, no_axis, [&](std::size_t pixel, std::size_t point, double weight) {
      y[point] += weight * x[pixel];
    });
  });
  return {from_doubles(call.inputs[0].dtype(), grid.result_dims(), y)};
}

Tensor image_gradient(const Grid& grid, const Tensor& dy, const Tensor& x) {
  const std::vector<double> dys = to_doubles(dy);
  std::vector<double> dx(static_cast<std::size_t>(x.element_count()), 0);
  grid.for_each_point([&](std::int64_t n, std::int64_t p) {
    grid.for_each_tap(n, p, no_axis, [&](std::size_t pixel, std::size_t point, double weight) {
      dx[pixel] += weight * dys[point];
    });
  });
  return from_doubles(x.dtype(), x.dims(), dx);
}

Tensor grid_gradient(const Grid& grid, const Tensor& dy, const Tensor& x, const Tensor& points) {
  const std::vector<double> dys = to_doubles(dy), pixels = to_doubles(x);
  std::vector<double> result;
  grid.for_each_point([&](std::int64_t n, std::int64_t p) {
    for (std::size_t axis = grid.axis_count(); axis-- > 0;) {
      double sum = 0;
      grid.for_each_tap(n, p, axis, [&](std::size_t pixel, std::size_t point, double slope) {
        sum += slope * pixels[pixel] * dys[point];
      });
      result.push_back(sum);
    }
  });
  return from_doubles(points.dtype(), points.dims(), result);
}

Tensors evaluate_gradient(const EvaluateCall& call) {
  const Tensor &dy = call.inputs[0], &x = call.inputs[1], &points = call.inputs[2];
  const Grid grid(x, points, call.attributes());
  if (dy.dims() != grid.result_dims()) throw UserError("dy does not have the dims of the operator's result");
  return {call.node.has_output(0) ? image_gradient(grid, dy, x) : Tensor(),
          call.node.has_output(1) ? grid_gradient(grid, dy, x, points) : Tensor()};
}

std::vector<Operand> infer_gradient(const InferCall& call) {
  return {operand(call.inputs[1].type.dtype, call.inputs[1].type.shape),
          operand(call.inputs[2].type.dtype, call.inputs[2].type.shape)};
}

std::vector<ValueId> gradient_rule(const GradientCall& call) {
  return emit_training(call,
                       {.op_type = "GridSampleGradient",
                        .inputs = {call.output_gradients[0], call.node.inputs[0], call.node.inputs[1]},
                        .attributes = call.attributes()},
                       call.wanted_inputs);
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

std::vector<OpDefinition> grid_sample_table() {
  return {
      {.name = "GridSample",
       .versions = {16, 20, 22},
       .required_inputs = 2,
       .infer = infer,
       .evaluate = evaluate,
       .count_cost = operations_per_output(8),
       .gradient = gradient_rule},
      {.name = "GridSampleGradient",
       .domain = training_domain,
       .required_inputs = 3,
       .infer = infer_gradient,
       .evaluate = evaluate_gradient,
       .count_cost = operations_per_output(16)},
  };
}

}  // namespace edgeopt
