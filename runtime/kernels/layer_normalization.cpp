// LayerNormalization over the dims from `axis` on: y = (x - mean) / sqrt(variance + epsilon) * scale + bias.
#include <cmath>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/lane_sums.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Parameters {
  const float* scale = nullptr;
  const float* bias = nullptr;  // null: none
  float epsilon = 0;
  std::int64_t width = 0;
};

EDGEOPT_VECTORIZED float mean_of(const float* x, std::int64_t width) {
  float sums[lanes] = {};
  const std::int64_t whole = width / lanes * lanes;
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += x[i + lane];
  for (std::int64_t i = whole; i < width; ++i) sums[i - whole] += x[i];
  return total(sums) / static_cast<float>(width);
}

EDGEOPT_VECTORIZED float variance_of(const float* x, float mean, std::int64_t width) {
  float sums[lanes] = {};
  const std::int64_t whole = width / lanes * lanes;
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const float distance = x[i + lane] - mean;
      sums[lane] += distance * distance;
    }
  for (std::int64_t i = whole; i < width; ++i) sums[i - whole] += (x[i] - mean) * (x[i] - mean);
  return total(sums) / static_cast<float>(width);
}

EDGEOPT_VECTORIZED void normalize_row(const float* x, float* y, float mean, float factor,
                                      const Parameters& by) {
  const float* scale = by.scale;
  const float* bias = by.bias;
  const std::int64_t width = by.width;
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) y[i] = (x[i] - mean) * factor * scale[i];
  if (!bias) return;
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) y[i] += bias[i];
}

void normalize_rows(const float* x, float* y, std::int64_t rows, const Parameters& by) {
  for (std::int64_t row = 0; row < rows; ++row, x += by.width, y += by.width) {
    const float mean = mean_of(x, by.width);
    normalize_row(x, y, mean, 1 / std::sqrt(variance_of(x, mean, by.width) + by.epsilon), by);
  }
}

std::int64_t width_of(const KernelCall& call) {
  const Dims& dims = call.inputs[0].form.dims;
  const std::int64_t axis = normalize_axis(call.node().attributes.get_int("axis", -1), dims.size());
  return element_count(std::span(dims).subspan(static_cast<std::size_t>(axis)));
}

std::optional<std::string> decline_layer_normalization(const KernelCall& call) {
  if (call.inputs[0].form.dims.empty()) return "it is a scalar";
  for (const TaskOperand& input : call.inputs)
    if (input.is_present && input.form.dtype != DataType::float32) return "an input is not float";
  for (std::size_t i = 1; i < call.inputs.size(); ++i)
    if (call.inputs[i].is_present && element_count(call.inputs[i].form.dims) != width_of(call))
      return "a parameter is broadcast";
  for (std::size_t i = 1; i < call.outputs.size(); ++i)
    if (call.outputs[i].is_present) return "statistics are wanted";
  return std::nullopt;
}

BoundStep bind_layer_normalization(const KernelCall& call) {
  const Parameters by{.epsilon = call.node().attributes.get_float("epsilon", 1e-5f), .width = width_of(call)};
  const std::int64_t rows = by.width == 0 ? 0 : element_count(call.inputs[0].form.dims) / by.width;
  const auto bias = call.has_input(2) ? place_of(call.inputs[2]) : nullptr;
  return {.run = [=, threads = call.thread_count, from = place_of(call.inputs[0]),
                  scale = place_of(call.inputs[1]), to = call.outputs[0].slot] {
    Parameters placed = by;
    placed.scale = reinterpret_cast<const float*>(scale->data);
    if (bias) placed.bias = reinterpret_cast<const float*>(bias->data);
    const float* x = reinterpret_cast<const float*>(from->data);
    float* y = reinterpret_cast<float*>(to->data);
    for_chunks(rows, threads, [&](std::int64_t begin, std::int64_t end) {
      normalize_rows(x + begin * placed.width, y + begin * placed.width, end - begin, placed);
    });
  }};
}

}  // namespace

Kernel layer_normalization_kernel() {
  Kernel kernel{.name = "layer_normalization",
                .op_types = {"LayerNormalization"},
                .decline = decline_layer_normalization,
                .bind = bind_layer_normalization,
                .in_place_inputs = {0},
                // Float sums of some dozens of elements against double ones.
                .tolerance = 2e-6};
  for (const std::int64_t width : {1, 15, 16, 17, 53})
    kernel.cases.push_back({.op_type = "LayerNormalization",
                            .inputs = {{DataType::float32, {2, 3, width}},
                                       {DataType::float32, {width}},
                                       {DataType::float32, {width}}},
                            .constant_inputs = {1, 2}});
  kernel.cases.push_back({.op_type = "LayerNormalization",
                          .inputs = {{DataType::float32, {2, 3, 4}}, {DataType::float32, {3, 4}}},
                          .attributes = {{"axis", 1}}});
  return kernel;
}

}  // namespace edgeopt
