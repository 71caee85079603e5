// QuantizeLinear and DequantizeLinear with one scale, in any layout:
//   q = saturate(round_half_to_even(x / scale) + zero)        x = (q - zero) * scale
#include "ir/quantization/quantized_scale.h"
#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Scalars {
  float scale = 1;
  float zero = 0;
  float low = 0;
  float high = 0;
};

// NaN has no integer; like the conversion instruction followed by saturation, it becomes the lowest.
[[gnu::always_inline]] inline float quantized(float x, const Scalars& by) {
  // Saturating before rounding is the same as after it: the bounds are integers.
  return rounded_to_even(clamped(x / by.scale, by.low - by.zero, by.high - by.zero)) + by.zero;
}

EDGEOPT_VECTORIZED void quantize_u8(const float* x, std::uint8_t* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(quantized(x[i], by)));
}

EDGEOPT_VECTORIZED void quantize_s8(const float* x, std::int8_t* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(quantized(x[i], by)));
}

EDGEOPT_VECTORIZED void quantize_u16(const float* x, std::uint16_t* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = static_cast<std::uint16_t>(static_cast<std::int32_t>(quantized(x[i], by)));
}

EDGEOPT_VECTORIZED void quantize_s16(const float* x, std::int16_t* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = static_cast<std::int16_t>(static_cast<std::int32_t>(quantized(x[i], by)));
}

EDGEOPT_VECTORIZED void dequantize_u8(const std::uint8_t* x, float* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = (static_cast<float>(x[i]) - by.zero) * by.scale;
}

EDGEOPT_VECTORIZED void dequantize_s8(const std::int8_t* x, float* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = (static_cast<float>(x[i]) - by.zero) * by.scale;
}

EDGEOPT_VECTORIZED void dequantize_u16(const std::uint16_t* x, float* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = (static_cast<float>(x[i]) - by.zero) * by.scale;
}

EDGEOPT_VECTORIZED void dequantize_s16(const std::int16_t* x, float* y, std::int64_t count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = (static_cast<float>(x[i]) - by.zero) * by.scale;
}

bool is_quantize(const KernelCall& call) { return call.node().op_type == "QuantizeLinear"; }

std::optional<std::string> decline_quantize(const KernelCall& call) {
  const TaskOperand& scale = call.inputs[1];
  if (!scale.is_constant() || scale.form.dtype != DataType::float32 || element_count(scale.form.dims) != 1)
    return "there is not one constant scale";
  if (call.has_input(2) && !call.inputs[2].is_constant()) return "the zero point is computed";
  const DataType integers = (is_quantize(call) ? call.outputs[0] : call.inputs[0]).form.dtype;
  const DataType floats = (is_quantize(call) ? call.inputs[0] : call.outputs[0]).form.dtype;
  if (!is_integer(integers) || (bit_count(integers) != 8 && bit_count(integers) != 16))
    return "the integers are not of 8 or 16 bits";
  if (floats != DataType::float32) return "the reals are not float";
  return std::nullopt;
}

Layouts layouts_of_first(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = call.inputs[0].form.layout;
  return layouts;
}

template <typename From, typename To>
BoundStep bound_loop(const KernelCall& call, Scalars by,
                     void (*loop)(const From*, To*, std::int64_t, Scalars)) {
  const std::int64_t count = element_count(call.outputs[0].form.dims);
  return {.run = [=, threads = call.thread_count, from = place_of(call.inputs[0]),
                  to = call.outputs[0].slot] {
    const From* x = reinterpret_cast<const From*>(from->data);
    To* y = reinterpret_cast<To*>(to->data);
    for_chunks(count, threads,
               [&](std::int64_t begin, std::int64_t end) { loop(x + begin, y + begin, end - begin, by); });
  }};
}

BoundStep bind_dequantize(const KernelCall& call, const Scalars& by) {
  switch (call.inputs[0].form.dtype) {
    case DataType::uint8:
      return bound_loop(call, by, dequantize_u8);
    case DataType::int8:
      return bound_loop(call, by, dequantize_s8);
    case DataType::uint16:
      return bound_loop(call, by, dequantize_u16);
    default:
      return bound_loop(call, by, dequantize_s16);
  }
}

BoundStep bind_quantize(const KernelCall& call) {
  Scalars by{.scale = call.inputs[1].constant->data<float>()[0]};
  if (call.has_input(2)) by.zero = static_cast<float>(to_double(*call.inputs[2].constant));
  if (!is_quantize(call)) return bind_dequantize(call, by);
  const DataType integers = call.outputs[0].form.dtype;
  const IntegerLimits limits = integer_limits(integers);
  by.low = static_cast<float>(limits.low);
  by.high = static_cast<float>(limits.high);
  switch (integers) {
    case DataType::uint8:
      return bound_loop(call, by, quantize_u8);
    case DataType::int8:
      return bound_loop(call, by, quantize_s8);
    case DataType::uint16:
      return bound_loop(call, by, quantize_u16);
    default:
      return bound_loop(call, by, quantize_s16);
  }
}

std::vector<KernelCase> quantize_cases() {
  std::vector<KernelCase> cases;
  for (const std::int64_t count : {1, 15, 16, 17, 53, 1000}) {
    cases.push_back({.op_type = "QuantizeLinear",
                     .inputs = {{DataType::float32, {count}}, {}, {}},
                     .constants = {{1, Tensor::scalar(0.04f)}, {2, Tensor::scalar(std::uint8_t{117})}}});
    cases.push_back({.op_type = "QuantizeLinear",
                     .inputs = {{DataType::float32, {count}}, {}, {}},
                     .constants = {{1, Tensor::scalar(0.02f)}, {2, Tensor::scalar(std::int8_t{-3})}}});
    cases.push_back({.op_type = "DequantizeLinear",
                     .inputs = {{DataType::uint8, {count}}, {}, {}},
                     .constants = {{1, Tensor::scalar(0.04f)}, {2, Tensor::scalar(std::uint8_t{117})}}});
    cases.push_back({.op_type = "DequantizeLinear",
                     .inputs = {{DataType::int8, {count}}, {}, {}},
                     .constants = {{1, Tensor::scalar(0.04f)}, {2, Tensor::scalar(std::int8_t{5})}}});
    for (const Tensor& zero : {Tensor::scalar(std::uint16_t{30000}), Tensor::scalar(std::int16_t{-300})}) {
      cases.push_back({.op_type = "QuantizeLinear",
                       .inputs = {{DataType::float32, {count}}, {}, {}},
                       .constants = {{1, Tensor::scalar(0.0001f)}, {2, zero}}});
      cases.push_back({.op_type = "DequantizeLinear",
                       .inputs = {{zero.dtype(), {count}}, {}, {}},
                       .constants = {{1, Tensor::scalar(0.0001f)}, {2, zero}}});
    }
  }
  return cases;
}

}  // namespace

Kernel quantize_kernel() {
  return {.name = "quantize",
          .op_types = {"QuantizeLinear", "DequantizeLinear"},
          .decline = decline_quantize,
          .choose_layouts = layouts_of_first,
          .bind = bind_quantize,
          .cases = quantize_cases()};
}

}  // namespace edgeopt
