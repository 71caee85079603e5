// Add and Mul of 8-bit integers with a scale each:
//   y_q = zero_y + round(clamp(s_a (a_q - zero_a) op s_b (b_q - zero_b)) / s_y)
#include <cmath>
#include <limits>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Terms {
  float scale_a = 1, zero_a = 0;
  float scale_b = 1, zero_b = 0;
  float scale_y = 1, zero_y = 0;
  float low = 0, high = 0;    // of the real result: what the activations leave
  float least = 0, most = 0;  // of the integer
};

[[gnu::always_inline]] inline float finished(float real, const Terms& by) {
  const float kept = clamped(real, by.low, by.high) / by.scale_y;
  // Saturating before rounding is the same as after it: the bounds are integers.
  return rounded_to_even(clamped(kept, by.least - by.zero_y, by.most - by.zero_y)) + by.zero_y;
}

template <typename T>
[[gnu::always_inline]] inline T sum_of(T a, T b, const Terms& by) {
  const float x = (static_cast<float>(a) - by.zero_a) * by.scale_a;
  const float y = (static_cast<float>(b) - by.zero_b) * by.scale_b;
  return static_cast<T>(static_cast<std::int32_t>(finished(x + y, by)));
}

template <typename T>
[[gnu::always_inline]] inline T product_of(T a, T b, const Terms& by) {
  const float x = (static_cast<float>(a) - by.zero_a) * by.scale_a;
  const float y = (static_cast<float>(b) - by.zero_b) * by.scale_b;
  return static_cast<T>(static_cast<std::int32_t>(finished(x * y, by)));
}

EDGEOPT_VECTORIZED void add_u8(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y,
                               std::int64_t count, Terms by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = sum_of(a[i], b[i], by);
}

EDGEOPT_VECTORIZED void add_s8(const std::int8_t* a, const std::int8_t* b, std::int8_t* y, std::int64_t count,
                               Terms by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = sum_of(a[i], b[i], by);
}

EDGEOPT_VECTORIZED void multiply_u8(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y,
                                    std::int64_t count, Terms by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = product_of(a[i], b[i], by);
}

EDGEOPT_VECTORIZED void multiply_s8(const std::int8_t* a, const std::int8_t* b, std::int8_t* y,
                                    std::int64_t count, Terms by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = product_of(a[i], b[i], by);
}

bool is_clamp(const Activation& activation) {
  return activation.op_type == "Relu" || activation.op_type == "Clip";
}

std::optional<std::string> decline_quantized_add(const KernelCall& call) {
  if (!call.is_quantized() || !call.task.output_quantization) return "the operands are not integers";
  const DataType type = call.outputs[0].form.dtype;
  if (type != DataType::uint8 && type != DataType::int8) return "the output is not of 8 bits";
  if (call.inputs.size() != 2 || call.task.output_quantization->is_per_channel())
    return "a scale per channel";
  for (std::size_t i = 0; i < 2; ++i) {
    if (call.inputs[i].form.dtype != type) return "the operands are of several types";
    if (call.inputs[i].form.dims != call.outputs[0].form.dims) return "an operand is broadcast";
    if (call.task.input_quantization[i]->is_per_channel()) return "a scale per channel";
  }
  for (const Activation& activation : call.task.activations)
    if (!is_clamp(activation)) return "the activation is no clamp";
  return std::nullopt;
}

Terms terms_of(const KernelCall& call) {
  const Quantization& a = *call.task.input_quantization[0];
  const Quantization& b = *call.task.input_quantization[1];
  const Quantization& y = *call.task.output_quantization;
  Terms by{.scale_a = a.scale(),
           .zero_a = static_cast<float>(a.zero_point()),
           .scale_b = b.scale(),
           .zero_b = static_cast<float>(b.zero_point()),
           .scale_y = y.scale(),
           .zero_y = static_cast<float>(y.zero_point()),
           .low = std::numeric_limits<float>::lowest(),
           .high = std::numeric_limits<float>::max()};
  for (const Activation& activation : call.task.activations) {
    const bool is_relu = activation.op_type == "Relu";
    by.low = std::fmax(by.low, is_relu ? 0 : activation.alpha);
    if (!is_relu) by.high = std::fmin(by.high, activation.beta);
  }
  by.least = y.dtype == DataType::uint8 ? 0 : -128;
  by.most = by.least + 255;
  return by;
}

template <typename T>
BoundStep bound_loop(const KernelCall& call, void (*loop)(const T*, const T*, T*, std::int64_t, Terms)) {
  return {.run = [loop, by = terms_of(call), count = element_count(call.outputs[0].form.dims),
                  threads = call.thread_count, a = place_of(call.inputs[0]), b = place_of(call.inputs[1]),
                  y = call.outputs[0].slot] {
    const T* first = reinterpret_cast<const T*>(a->data);
    const T* second = reinterpret_cast<const T*>(b->data);
    T* result = reinterpret_cast<T*>(y->data);
    for_chunks(count, threads, [&](std::int64_t begin, std::int64_t end) {
      loop(first + begin, second + begin, result + begin, end - begin, by);
    });
  }};
}

BoundStep bind_quantized_add(const KernelCall& call) {
  const bool is_sum = call.node().op_type == "Add";
  if (call.outputs[0].form.dtype == DataType::uint8) return bound_loop(call, is_sum ? add_u8 : multiply_u8);
  return bound_loop(call, is_sum ? add_s8 : multiply_s8);
}

std::vector<KernelCase> quantized_add_cases() {
  std::vector<KernelCase> cases;
  for (const char* op : {"Add", "Mul"})
    for (const DataType type : {DataType::uint8, DataType::int8})
      for (const std::int64_t count : {1, 15, 16, 17, 53, 1000})
        cases.push_back(
            {.op_type = op,
             .inputs = {{type, {count}}, {type, {count}}},
             .input_quantization = {Quantization{type, {0.03f}, {7}}, Quantization{type, {0.05f}, {0}}},
             .output_quantization = Quantization{type, {0.07f}, {11}}});
  return cases;
}

}  // namespace

Kernel quantized_add_kernel() {
  return {.name = "quantized_add",
          .op_types = {"Add", "Mul"},
          .decline = decline_quantized_add,
          .choose_layouts = common_layouts,
          .bind = bind_quantized_add,
          .in_place_inputs = {0, 1},
          .cases = quantized_add_cases()};
}

}  // namespace edgeopt
