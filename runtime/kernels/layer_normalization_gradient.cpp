// LayerNormalizationGradient(dy, x, scale) -> dx, dscale over rows of the dims from `axis` on; the formulas
// stand in ir/ops/normalization_gradient_table.cpp. Sums run in sixteen lanes whatever the instruction set,
// so that every machine adds in the same order.
#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/lane_sums.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

EDGEOPT_VECTORIZED float sum_of(const float* a, std::int64_t width) {
  float sums[lanes] = {};
  const std::int64_t whole = width / lanes * lanes;
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane];
  for (std::int64_t i = whole; i < width; ++i) sums[i - whole] += a[i];
  return total(sums);
}

EDGEOPT_VECTORIZED float product_of(const float* a, const float* b, std::int64_t width) {
  float sums[lanes] = {};
  const std::int64_t whole = width / lanes * lanes;
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (std::int64_t i = whole; i < width; ++i) sums[i - whole] += a[i] * b[i];
  return total(sums);
}

// The length of a row: all dims from the axis on.
std::int64_t width_of(const KernelCall& call) {
  const Dims& dims = call.inputs[1].form.dims;
  const std::int64_t axis = normalize_axis(call.node().attributes.get_int("axis", -1), dims.size());
  return element_count(std::span(dims).subspan(static_cast<std::size_t>(axis)));
}

const float* floats(const std::shared_ptr<const Slot>& slot) {
  return reinterpret_cast<const float*>(slot->data);
}

struct Row {
  const float *dy, *x, *scale;
  float *dx, *dscale;  // dx may be null; dscale is added to
  std::int64_t width;
  float epsilon;
};

// Works on dx as on a place for dy * scale.
EDGEOPT_VECTORIZED void layer_row(const Row& row, float* normalized) {
  const std::int64_t width = row.width;
  const auto count = static_cast<float>(width);
  const float mean = sum_of(row.x, width) / count;
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) normalized[i] = row.x[i] - mean;
  const float inverse = 1 / std::sqrt(product_of(normalized, normalized, width) / count + row.epsilon);
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) normalized[i] *= inverse;
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) row.dscale[i] += row.dy[i] * normalized[i];
  if (!row.dx) return;
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) row.dx[i] = row.dy[i] * row.scale[i];
  const float center = sum_of(row.dx, width) / count;
  const float slope = product_of(row.dx, normalized, width) / count;
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) row.dx[i] = (row.dx[i] - center - normalized[i] * slope) * inverse;
}

std::optional<std::string> decline_layer(const KernelCall& call) {
  for (const TaskOperand& input : call.inputs)
    if (input.form.dtype != DataType::float32) return "an input is not float";
  if (call.inputs[1].form.dims.empty()) return "it is a scalar";
  if (element_count(call.inputs[2].form.dims) != width_of(call)) return "the scale is broadcast";
  return std::nullopt;
}

// One thread: rows add to one dscale in their order, whatever the number of threads.
BoundStep bind_layer(const KernelCall& call) {
  const std::int64_t width = width_of(call);
  const std::int64_t rows = width == 0 ? 0 : element_count(call.inputs[1].form.dims) / width;
  const auto slot_of = [&](std::size_t i) {
    return i < call.outputs.size() && call.outputs[i].is_present ? call.outputs[i].slot : nullptr;
  };
  const auto bytes = static_cast<std::size_t>(width) * sizeof(float);
  return {.run =
              [=, epsilon = call.node().attributes.get_float("epsilon", 1e-5F), dy = place_of(call.inputs[0]),
               x = place_of(call.inputs[1]), scale = place_of(call.inputs[2]), dx = slot_of(0),
               dscale = slot_of(1), scratch = call.scratch] {
                float* const normalized = reinterpret_cast<float*>(scratch->data);
                Row row{.dy = floats(dy),
                        .x = floats(x),
                        .scale = floats(scale),
                        .dx = dx ? reinterpret_cast<float*>(dx->data) : nullptr,
                        .dscale = dscale ? reinterpret_cast<float*>(dscale->data) : normalized + width,
                        .width = width,
                        .epsilon = epsilon};
                std::fill_n(row.dscale, width, 0.0F);
                for (std::int64_t i = 0; i < rows; ++i) {
                  layer_row(row, normalized);
                  row.dy += width;
                  row.x += width;
                  if (row.dx) row.dx += width;
                }
              },
          .scratch_bytes = 2 * bytes};
}

constexpr DataType f32 = DataType::float32;

std::vector<KernelCase> layer_cases() {
  std::vector<KernelCase> cases;
  // Not 2: there the gradient is what rounding leaves of a difference of equal numbers.
  for (const std::int64_t width : {1, 15, 16, 17, 53})
    cases.push_back({.op_type = "edgeopt.LayerNormalizationGradient",
                     .inputs = {{f32, {2, 3, width}}, {f32, {2, 3, width}}, {f32, {width}}},
                     .output_count = 2});
  cases.push_back({.op_type = "edgeopt.LayerNormalizationGradient",
                   .inputs = {{f32, {2, 3, 4}}, {f32, {2, 3, 4}}, {f32, {3, 4}}},
                   .attributes = {{"axis", 1}}});
  return cases;
}

}  // namespace

Kernel layer_normalization_gradient_kernel() {
  return {.name = "layer_normalization_gradient",
          .op_types = {"edgeopt.LayerNormalizationGradient"},
          .decline = decline_layer,
          .bind = bind_layer,
          .cases = layer_cases(),
          // Float sums of some dozens of products against double ones, twice over: the second of what the
          // first gave.
          .tolerance = 4e-6};
}

}  // namespace edgeopt
