// y = clamp(x * gain[c] + shift[c]) with gain = scale / sqrt(variance + epsilon), shift = bias - mean * gain.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Channels {
  std::vector<float> gains, shifts;
  float low = 0, high = 0;
};

EDGEOPT_VECTORIZED void normalize_pixels(const float* x, float* y, std::int64_t pixels, const Channels& by) {
  const auto channels = static_cast<std::int64_t>(by.gains.size());
  const float* gains = by.gains.data();
  const float* shifts = by.shifts.data();
  const float low = by.low;
  const float high = by.high;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel)
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
      const float value = x[pixel * channels + c] * gains[c] + shifts[c];
      const float raised = value < low ? low : value;
      y[pixel * channels + c] = raised > high ? high : raised;
    }
}

struct Planes {
  std::int64_t begin = 0, end = 0;
  std::int64_t size = 0;  // elements of one
};

EDGEOPT_VECTORIZED void normalize_planes(const float* x, float* y, Planes planes, const Channels& by) {
  const std::int64_t size = planes.size;
  const auto channels = static_cast<std::int64_t>(by.gains.size());
  for (std::int64_t plane = planes.begin; plane < planes.end; ++plane) {
    const float gain = by.gains[static_cast<std::size_t>(plane % channels)];
    const float shift = by.shifts[static_cast<std::size_t>(plane % channels)];
    const float low = by.low;
    const float high = by.high;
#pragma omp simd
    for (std::int64_t i = plane * size; i < (plane + 1) * size; ++i) {
      const float value = x[i] * gain + shift;
      const float raised = value < low ? low : value;
      y[i] = raised > high ? high : raised;
    }
  }
}

std::optional<std::string> decline_normalization(const KernelCall& call) {
  if (call.inputs[0].form.dtype != DataType::float32 || call.inputs[0].form.dims.size() < 2)
    return "it is not float";
  for (std::size_t i = 1; i < 5; ++i)
    if (!call.inputs[i].is_constant() || call.inputs[i].form.dtype != DataType::float32)
      return "a parameter is computed";
  for (std::size_t i = 1; i < call.outputs.size(); ++i)
    if (call.outputs[i].is_present) return "statistics are wanted";
  if (call.node().attributes.get_int("training_mode", 0) != 0) return "it is in training mode";
  for (const Activation& activation : call.task.activations)
    if (activation.op_type != "Relu" && activation.op_type != "Clip") return "the activation is no clamp";
  return std::nullopt;
}

Layouts layouts_of_first(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = call.inputs[0].form.layout;
  return layouts;
}

Channels channels_of(const KernelCall& call) {
  const auto parameter = [&](std::size_t index) { return call.inputs[index].constant->data<float>(); };
  const double epsilon = call.node().attributes.get_float("epsilon", 1e-5f);
  Channels by{.low = -std::numeric_limits<float>::infinity(), .high = std::numeric_limits<float>::infinity()};
  for (std::size_t c = 0; c < parameter(1).size(); ++c) {
    const double gain = parameter(1)[c] / std::sqrt(parameter(4)[c] + epsilon);
    by.gains.push_back(static_cast<float>(gain));
    by.shifts.push_back(static_cast<float>(parameter(2)[c] - parameter(3)[c] * gain));
  }
  for (const Activation& activation : call.task.activations) {
    const bool is_relu = activation.op_type == "Relu";
    by.low = std::max(by.low, is_relu ? 0 : activation.alpha);
    if (!is_relu) by.high = std::min(by.high, activation.beta);
  }
  return by;
}

BoundStep bind_normalization(const KernelCall& call) {
  const TensorForm& form = call.outputs[0].form;
  const auto channels = form.dims[1];
  const std::int64_t space = element_count(std::span(form.dims).subspan(2));
  const bool is_last = form.layout == Layout::channels_last || space == 1;
  return {.run = [by = channels_of(call), is_last, space, channels, samples = form.dims[0],
                  threads = call.thread_count, from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const float* x = reinterpret_cast<const float*>(from->data);
    float* y = reinterpret_cast<float*>(to->data);
    if (is_last)
      for_chunks(samples * space, threads, [&](std::int64_t begin, std::int64_t end) {
        normalize_pixels(x + begin * channels, y + begin * channels, end - begin, by);
      });
    else
      for_chunks(samples * channels, threads, [&](std::int64_t begin, std::int64_t end) {
        normalize_planes(x, y, {begin, end, space}, by);
      });
  }};
}

std::vector<KernelCase> normalization_cases() {
  std::vector<KernelCase> cases;
  for (const std::int64_t channels : {1, 15, 16, 17, 53}) {
    const Dims row = {channels};
    const Tensor ones = Tensor::of<float>(row, std::vector<float>(static_cast<std::size_t>(channels), 0.7f));
    for (const Dims& dims : {Dims{2, channels, 3, 5}, Dims{3, channels}})
      cases.push_back({.op_type = "BatchNormalization",
                       .inputs = {{DataType::float32, dims},
                                  {DataType::float32, row},
                                  {DataType::float32, row},
                                  {DataType::float32, row},
                                  {}},
                       .constant_inputs = {1, 2, 3},
                       .constants = {{4, ones}},
                       .is_special = true});
  }
  return cases;
}

}  // namespace

Kernel batch_normalization_kernel() {
  return {.name = "batch_normalization",
          .op_types = {"BatchNormalization"},
          .decline = decline_normalization,
          .choose_layouts = layouts_of_first,
          .bind = bind_normalization,
          .in_place_inputs = {0},
          .cases = normalization_cases(),
          // Three roundings, and a shift that was rounded beforehand.
          .tolerance = 1e-6};
}

}  // namespace edgeopt
