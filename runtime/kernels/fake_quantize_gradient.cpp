// FakeQuantizeGradient(dy, x, scale, zero_point, seed?) -> dx, dscale, dzero_point, with q = round(x / scale)
// + zero_point:
//   inside:   dx = dy, dscale += dy * (round(x / scale) - x / scale)
//   clipped:  dx = 0, dscale += dy * (bound - zero_point), dzero_point -= dy * scale
//   dropped:  inside, and nothing for dscale
#include <algorithm>

#include "runtime/quantized_rows.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Row {
  const float* dy;
  const float* x;
  float* dx;
  std::int64_t length;
  std::int64_t first_index, index_step;  // in row-major order
};

struct Parts {
  float dx, dscale, dzero_point;
};

// Masks instead of branches: every part is computed and the wrong ones are multiplied by 0.
[[gnu::always_inline]] inline Parts parts_of(float dy, float x, float scale, float zero_point, float low,
                                             float high) {
  const float ratio = x / scale;
  const float rounded = rounded_to_even(ratio);
  const float q = rounded + zero_point;
  const float below = q < low ? 1.0f : 0.0f;
  const float above = q > high ? 1.0f : 0.0f;
  const float inside = 1.0f - below - above;
  const float clipped = below * (low - zero_point) + above * (high - zero_point);
  // Far outside, ratio has no meaning for the scale; 0 times an infinite difference would be NaN.
  const float step = inside > 0.0f ? rounded - ratio : clipped;
  return {dy * inside, dy * step, -(dy * scale) * (below + above)};
}

[[gnu::always_inline]] inline bool is_dropped(const Row& row, std::int64_t i, const QuantizationGrid& grid) {
  return drop_number(grid.stream, static_cast<std::uint64_t>(row.first_index + i * row.index_step)) <
         grid.drop_probability;
}

// Inside the range a dropped element says nothing about the scale; clipped elements are never dropped.
[[gnu::always_inline]] inline Parts unless_dropped(const Parts& parts, bool is_dropped) {
  return {parts.dx, is_dropped && parts.dzero_point == 0 ? 0 : parts.dscale, parts.dzero_point};
}

// Running sums whatever the instruction set, so that every machine adds in the same order.
constexpr std::int64_t lanes = 16;

struct Sums {
  double* scale;
  double* zero_point;
};

/// `lanes` elements of a row, or fewer at its end.
[[gnu::always_inline]] inline void add_lanes(const Row& row, std::int64_t begin, std::int64_t count,
                                             const QuantizationGrid& grid, float scale, float zero_point,
                                             Sums sums) {
  const float* const dys = row.dy + begin;
  const float* const xs = row.x + begin;
  float* const dxs = row.dx + begin;
  const float low = grid.low, high = grid.high;
#pragma omp simd
  for (std::int64_t lane = 0; lane < count; ++lane) {
    const Parts parts = parts_of(dys[lane], xs[lane], scale, zero_point, low, high);
    dxs[lane] = parts.dx;
    sums.scale[lane] += static_cast<double>(parts.dscale);
    sums.zero_point[lane] += static_cast<double>(parts.dzero_point);
  }
}

/// The same where some elements are dropped.
[[gnu::always_inline]] inline void add_dropping_lanes(const Row& row, std::int64_t begin, std::int64_t count,
                                                      const QuantizationGrid& grid, float scale,
                                                      float zero_point, Sums sums) {
  for (std::int64_t lane = 0; lane < count; ++lane) {
    const std::int64_t i = begin + lane;
    const Parts whole = parts_of(row.dy[i], row.x[i], scale, zero_point, grid.low, grid.high);
    const Parts parts = unless_dropped(whole, is_dropped(row, i, grid));
    row.dx[i] = parts.dx;
    sums.scale[lane] += static_cast<double>(parts.dscale);
    sums.zero_point[lane] += static_cast<double>(parts.dzero_point);
  }
}

EDGEOPT_VECTORIZED void add_row_of_one_scale(const Row& row, const QuantizationGrid& by, std::int64_t k,
                                             Sums totals) {
  const QuantizationGrid grid = by;
  const Row of = row;
  const float scale = grid.scales[k], zero_point = grid.zero_points[k];
  double scales[lanes] = {}, zero_points[lanes] = {};
  const Sums sums{scales, zero_points};
  const std::int64_t whole = of.length / lanes * lanes;
  if (grid.drop_probability > 0) {
    for (std::int64_t i = 0; i < of.length; i += lanes)
      add_dropping_lanes(of, i, std::min(lanes, of.length - i), grid, scale, zero_point, sums);
  } else {
    for (std::int64_t i = 0; i < whole; i += lanes) add_lanes(of, i, lanes, grid, scale, zero_point, sums);
    add_lanes(of, whole, of.length - whole, grid, scale, zero_point, sums);
  }
  for (std::int64_t lane = 0; lane < lanes; ++lane) totals.scale[k] += scales[lane];
  for (std::int64_t lane = 0; lane < lanes; ++lane) totals.zero_point[k] += zero_points[lane];
}

EDGEOPT_VECTORIZED void add_row_of_scale_each(const Row& row, const QuantizationGrid& by, Sums totals) {
  const QuantizationGrid grid = by;
  const Row of = row;
#pragma omp simd
  for (std::int64_t i = 0; i < of.length; ++i) {
    Parts parts = parts_of(of.dy[i], of.x[i], grid.scales[i], grid.zero_points[i], grid.low, grid.high);
    if (grid.drop_probability > 0) parts = unless_dropped(parts, is_dropped(of, i, grid));
    of.dx[i] = parts.dx;
    totals.scale[i] += static_cast<double>(parts.dscale);
    totals.zero_point[i] += static_cast<double>(parts.dzero_point);
  }
}

std::optional<std::string> decline_gradient(const KernelCall& call) {
  if (call.inputs[0].form.dims != call.inputs[1].form.dims) return "the gradient has other dims";
  return decline_quantized_rows(call, 1);
}

Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.inputs[1] = layouts.outputs[0] = layout_of_rows(call, 1);
  return layouts;
}

/// Where a run reads and writes; a null slot is a result that nobody wants.
struct Places {
  std::shared_ptr<const Slot> dy, x;
  Slot *dx, *dscale, *dzero_point, *scratch;
};

void write_sums(const double* sums, std::int64_t count, const Slot* target) {
  if (target)
    std::transform(sums, sums + count, reinterpret_cast<float*>(target->data),
                   [](double sum) { return static_cast<float>(sum); });
}

struct GradientStep {
  QuantizedRows rows;
  GridPlaces grid;
  Places places;
  std::int64_t scale_count, element_count;

  std::size_t scratch_bytes() const {
    return 2 * static_cast<std::size_t>(scale_count) * sizeof(double) +
           (places.dx ? 0 : static_cast<std::size_t>(element_count) * sizeof(float));
  }
  void run() const {
    double* const sums = reinterpret_cast<double*>(places.scratch->data);
    std::fill(sums, sums + 2 * scale_count, 0.0);
    const QuantizationGrid by = grid.read();
    const float* const dy = reinterpret_cast<const float*>(places.dy->data);
    const float* const x = reinterpret_cast<const float*>(places.x->data);
    float* const dx = reinterpret_cast<float*>(
        places.dx ? places.dx->data : reinterpret_cast<std::byte*>(sums + 2 * scale_count));
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const std::int64_t offset = r * rows.length;
      const Row row{dy + offset, x + offset,          dx + offset,
                    rows.length, rows.first_index(r), rows.index_step()};
      const Sums totals{sums, sums + scale_count};
      rows.has_scale_each ? add_row_of_scale_each(row, by, totals)
                          : add_row_of_one_scale(row, by, rows.scale(r), totals);
    }
    write_sums(sums, scale_count, places.dscale);
    write_sums(sums + scale_count, scale_count, places.dzero_point);
  }
};

BoundStep bind_gradient(const KernelCall& call) {
  const auto slot = [&](std::size_t i) {
    return i < call.outputs.size() && call.outputs[i].is_present ? call.outputs[i].slot : nullptr;
  };
  GradientStep step{
      .grid = grid_places(call, 1),
      .places = {place_of(call.inputs[0]), place_of(call.inputs[1]), slot(0), slot(1), slot(2), call.scratch},
      .scale_count = element_count(call.inputs[2].form.dims),
      .element_count = element_count(call.inputs[1].form.dims)};
  step.rows = quantized_rows(call.inputs[1].form, step.grid.settings.axis).value();
  if (step.grid.settings.axis < 0 && !step.grid.seed) step.rows = {.length = step.element_count};
  const std::size_t bytes = step.scratch_bytes();
  return {.run = [step = std::move(step)] { step.run(); }, .scratch_bytes = bytes};
}

}  // namespace

Kernel fake_quantize_gradient_kernel() {
  Kernel kernel{.name = "fake_quantize_gradient",
                .op_types = {"edgeopt.FakeQuantizeGradient"},
                .decline = decline_gradient,
                .choose_layouts = choose_layouts,
                .bind = bind_gradient,
                .in_place_inputs = {0, 1},
                // One rounding of 2^-24 for each of the summands, which are of either sign.
                .tolerance = 2e-6};
  const auto add = [&](Dims dims, std::int64_t axis, bool is_dropping) {
    const TensorForm x{DataType::float32, dims};
    const Dims scales = axis < 0 ? Dims{} : Dims{dims[static_cast<std::size_t>(axis)]};
    Tensor scale(DataType::float32, scales);
    for (std::int64_t i = 0; i < scale.element_count(); ++i)
      scale.mutable_data<float>()[static_cast<std::size_t>(i)] = 0.3F + 0.07F * static_cast<float>(i % 9);
    KernelCase wanted{.op_type = "edgeopt.FakeQuantizeGradient",
                      .inputs = {x, x, {DataType::float32, scales}, {DataType::float32, scales}},
                      .attributes = {{"low", -4}, {"high", 4}, {"axis", axis}, {"drop_probability", 0.3F}},
                      .constants = {{2, scale}, {3, Tensor(DataType::float32, scales)}},
                      .output_count = 3};
    if (is_dropping) wanted.inputs.push_back({DataType::int64, {}});
    kernel.cases.push_back(std::move(wanted));
  };
  for (const bool is_dropping : {false, true}) {
    for (const std::int64_t count : {1, 15, 16, 17, 53, 5000}) add({count}, -1, is_dropping);
    for (const std::int64_t axis : {0, 1, 2, 3}) add({2, 17, 3, 5}, axis, is_dropping);
  }
  return kernel;
}

}  // namespace edgeopt
