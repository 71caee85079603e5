// FakeQuantize(x, scale, zero_point, seed?): y = (clip(round(x / scale) + zero_point, low, high) -
// zero_point) * scale
#include "runtime/quantized_rows.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Row {
  const float* x;
  float* y;
  std::int64_t length;
};

[[gnu::always_inline]] inline float on_grid(float x, float scale, float zero_point,
                                            const QuantizationGrid& grid) {
  const float q = rounded_to_even(x / scale) + zero_point;
  const float raised = q < grid.low ? grid.low : q;
  return ((raised > grid.high ? grid.high : raised) - zero_point) * scale;
}

EDGEOPT_VECTORIZED void quantize_with_one_scale(Row row, const QuantizationGrid& by, std::int64_t k) {
  const QuantizationGrid grid = by;
  const float scale = grid.scales[k], zero_point = grid.zero_points[k];
#pragma omp simd
  for (std::int64_t i = 0; i < row.length; ++i) row.y[i] = on_grid(row.x[i], scale, zero_point, grid);
}

EDGEOPT_VECTORIZED void quantize_with_scale_each(Row row, const QuantizationGrid& by) {
  const QuantizationGrid grid = by;
#pragma omp simd
  for (std::int64_t i = 0; i < row.length; ++i)
    row.y[i] = on_grid(row.x[i], grid.scales[i], grid.zero_points[i], grid);
}

struct Indexes {
  std::int64_t first, step;  // of a row's elements in row-major order
};

// y = x where the element is dropped and lies inside the range. In place the original is gone, so x and y
// must be apart.
EDGEOPT_VECTORIZED void restore_dropped(Row row, Indexes at, const QuantizationGrid& by, bool has_scale_each,
                                        std::int64_t k) {
  const QuantizationGrid grid = by;
#pragma omp simd
  for (std::int64_t i = 0; i < row.length; ++i) {
    const float number = drop_number(grid.stream, static_cast<std::uint64_t>(at.first + i * at.step));
    const std::int64_t scale = has_scale_each ? i : k;
    const float q = rounded_to_even(row.x[i] / grid.scales[scale]) + grid.zero_points[scale];
    const bool is_inside = q >= grid.low && q <= grid.high;
    row.y[i] = is_inside && number < grid.drop_probability ? row.x[i] : row.y[i];
  }
}

std::optional<std::string> decline_quantize(const KernelCall& call) {
  return decline_quantized_rows(call, 0);
}

Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = layout_of_rows(call, 0);
  return layouts;
}

void quantize_rows(const QuantizedRows& rows, const QuantizationGrid& grid, Row first) {
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const Row row{first.x + r * rows.length, first.y + r * rows.length, rows.length};
    rows.has_scale_each ? quantize_with_scale_each(row, grid)
                        : quantize_with_one_scale(row, grid, rows.scale(r));
    if (grid.drop_probability > 0)
      restore_dropped(row, {rows.first_index(r), rows.index_step()}, grid, rows.has_scale_each,
                      rows.scale(r));
  }
}

BoundStep bind_quantize(const KernelCall& call) {
  const GridPlaces places = grid_places(call, 0);
  QuantizedRows rows = quantized_rows(call.inputs[0].form, places.settings.axis).value();
  // Where all elements share a scale and none is dropped, their order does not matter.
  if (places.settings.axis < 0 && !places.seed) rows = {.length = rows.count * rows.length};
  return {.run = [rows, places, x = place_of(call.inputs[0]), y = call.outputs[0].slot] {
    quantize_rows(rows, places.read(),
                  {reinterpret_cast<const float*>(x->data), reinterpret_cast<float*>(y->data), 0});
  }};
}

}  // namespace

Kernel fake_quantize_kernel() {
  Kernel kernel{.name = "fake_quantize",
                .op_types = {"edgeopt.FakeQuantize"},
                .decline = decline_quantize,
                .choose_layouts = choose_layouts,
                .bind = bind_quantize};
  const TensorForm number{DataType::float32, {}}, seed{DataType::int64, {}};
  const auto add = [&](Dims dims, std::int64_t axis, bool is_dropping) {
    const TensorForm x{DataType::float32, dims};
    const Dims scales = axis < 0 ? Dims{} : Dims{dims[static_cast<std::size_t>(axis)]};
    Tensor scale(DataType::float32, scales), zero_point(DataType::float32, scales);
    for (std::int64_t i = 0; i < scale.element_count(); ++i) {
      scale.mutable_data<float>()[static_cast<std::size_t>(i)] = 0.3F + 0.07F * static_cast<float>(i % 9);
      zero_point.mutable_data<float>()[static_cast<std::size_t>(i)] = static_cast<float>(i % 5);
    }
    KernelCase wanted{.op_type = "edgeopt.FakeQuantize",
                      .inputs = {x, {DataType::float32, scales}, {DataType::float32, scales}},
                      .attributes = {{"low", -4}, {"high", 7}, {"axis", axis}, {"drop_probability", 0.3F}},
                      .constants = {{1, scale}, {2, zero_point}}};
    if (is_dropping) wanted.inputs.push_back(seed);
    wanted.is_special = !is_dropping;
    kernel.cases.push_back(std::move(wanted));
  };
  for (const bool is_dropping : {false, true}) {
    for (const std::int64_t count : {1, 15, 16, 17, 53}) add({count}, -1, is_dropping);
    for (const std::int64_t axis : {0, 1, 2, 3}) add({2, 17, 3, 5}, axis, is_dropping);
  }
  return kernel;
}

}  // namespace edgeopt
