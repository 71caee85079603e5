// QuantizeLinear and DequantizeLinear with one scale and two 4-bit integers in every byte, the first in the
// low half (ONNX, TensorProto.raw_data).
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

[[gnu::always_inline]] inline int quantized(float x, const Scalars& by) {
  // Saturating before rounding is the same as after it: the bounds are integers.
  return static_cast<int>(rounded_to_even(clamped(x / by.scale, by.low - by.zero, by.high - by.zero)) +
                          by.zero) &
         15;
}

// The value of the four low bits, which in signed integers run from 8 to 15 for -8 to -1.
[[gnu::always_inline]] inline float integer_in(int bits, int sign_bit) {
  return static_cast<float>(((bits & 15) ^ sign_bit) - sign_bit);
}

EDGEOPT_VECTORIZED void quantize_pairs(const float* x, std::uint8_t* y, std::int64_t pair_count, Scalars by) {
#pragma omp simd
  for (std::int64_t i = 0; i < pair_count; ++i)
    y[i] = static_cast<std::uint8_t>(quantized(x[2 * i], by) | quantized(x[2 * i + 1], by) << 4);
}

EDGEOPT_VECTORIZED void dequantize_pairs(const std::uint8_t* x, float* y, std::int64_t pair_count, Scalars by,
                                         int sign_bit) {
#pragma omp simd
  for (std::int64_t i = 0; i < pair_count; ++i) {
    y[2 * i] = (integer_in(x[i], sign_bit) - by.zero) * by.scale;
    y[2 * i + 1] = (integer_in(x[i] >> 4, sign_bit) - by.zero) * by.scale;
  }
}

bool is_quantize(const KernelCall& call) { return call.node().op_type == "QuantizeLinear"; }

DataType integers_of(const KernelCall& call) {
  return (is_quantize(call) ? call.outputs[0] : call.inputs[0]).form.dtype;
}

std::optional<std::string> decline_packed(const KernelCall& call) {
  const TaskOperand& scale = call.inputs[1];
  if (!scale.is_constant() || scale.form.dtype != DataType::float32 || element_count(scale.form.dims) != 1)
    return "there is not one constant scale";
  if (call.has_input(2) && !call.inputs[2].is_constant()) return "the zero point is computed";
  if (integers_of(call) != DataType::uint4 && integers_of(call) != DataType::int4)
    return "the integers are not of 4 bits";
  if ((is_quantize(call) ? call.inputs[0] : call.outputs[0]).form.dtype != DataType::float32)
    return "the reals are not float";
  return std::nullopt;
}

Scalars scalars_of(const KernelCall& call) {
  const IntegerLimits limits = integer_limits(integers_of(call));
  Scalars by{.scale = call.inputs[1].constant->data<float>()[0],
             .low = static_cast<float>(limits.low),
             .high = static_cast<float>(limits.high)};
  if (call.has_input(2)) by.zero = static_cast<float>(to_double(*call.inputs[2].constant));
  return by;
}

BoundStep bind_quantize(const KernelCall& call) {
  return {.run = [count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  by = scalars_of(call), from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const float* x = reinterpret_cast<const float*>(from->data);
    auto* y = reinterpret_cast<std::uint8_t*>(to->data);
    for_chunks(count / 2, threads, [&](std::int64_t begin, std::int64_t end) {
      quantize_pairs(x + 2 * begin, y + begin, end - begin, by);
    });
    if (count % 2 == 1) y[count / 2] = static_cast<std::uint8_t>(quantized(x[count - 1], by));
  }};
}

BoundStep bind_dequantize(const KernelCall& call) {
  const int sign_bit = integers_of(call) == DataType::int4 ? 8 : 0;
  return {.run = [sign_bit, count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  by = scalars_of(call), from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const auto* x = reinterpret_cast<const std::uint8_t*>(from->data);
    float* y = reinterpret_cast<float*>(to->data);
    for_chunks(count / 2, threads, [&](std::int64_t begin, std::int64_t end) {
      dequantize_pairs(x + begin, y + 2 * begin, end - begin, by, sign_bit);
    });
    if (count % 2 == 1) y[count - 1] = (integer_in(x[count / 2], sign_bit) - by.zero) * by.scale;
  }};
}

BoundStep bind_packed(const KernelCall& call) {
  return is_quantize(call) ? bind_quantize(call) : bind_dequantize(call);
}

std::vector<KernelCase> packed_cases() {
  std::vector<KernelCase> cases;
  for (const std::int64_t count : {1, 2, 31, 32, 33, 1001})
    for (const DataType dtype : {DataType::uint4, DataType::int4}) {
      const Tensor zero = from_int64s(dtype, {}, {dtype == DataType::uint4 ? 7 : -3});
      cases.push_back({.op_type = "QuantizeLinear",
                       .inputs = {{DataType::float32, {count}}, {}, {}},
                       .constants = {{1, Tensor::scalar(0.2f)}, {2, zero}}});
      cases.push_back({.op_type = "DequantizeLinear",
                       .inputs = {{dtype, {count}}, {}, {}},
                       .constants = {{1, Tensor::scalar(0.2f)}, {2, zero}}});
    }
  return cases;
}

}  // namespace

Kernel quantize_packed_kernel() {
  return {.name = "quantize_packed",
          .op_types = {"QuantizeLinear", "DequantizeLinear"},
          .decline = decline_packed,
          .bind = bind_packed,
          .cases = packed_cases()};
}

}  // namespace edgeopt
