// Exp(x), and ErfGradient(dy, x) = dy * 2 / sqrt(pi) * exp(-x^2); in any layout.
#include <bit>
#include <limits>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

// exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2. Below the smallest normal float it is 0.
// source: Cephes, expf: the polynomial and ln 2 in two parts
[[gnu::always_inline]] inline float exp_of(float x) {
  constexpr float lowest = -87.33654F, highest = 88.72283F;
  const float within = clamped(x, lowest, highest);
  const float n = rounded_to_even(within * 1.44269504F);
  const float r = (within - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  // 2^128 is no float, but half of it is.
  const float half_power = std::bit_cast<float>((static_cast<std::int32_t>(n) + 126) << 23);
  const float result = (p * r * r + r + 1) * half_power * 2;
  const float bounded = x > highest ? std::numeric_limits<float>::infinity() : x < lowest ? 0 : result;
  return x != x ? x : bounded;
}

struct Operands {
  const float* dy;
  const float* x;
  float* y;
};

EDGEOPT_VECTORIZED void exp_of_all(Operands of, std::int64_t begin, std::int64_t end) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) of.y[i] = exp_of(of.x[i]);
}

EDGEOPT_VECTORIZED void erf_gradient_of_all(Operands of, std::int64_t begin, std::int64_t end) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) of.y[i] = of.dy[i] * (1.12837917F * exp_of(-of.x[i] * of.x[i]));
}

std::optional<std::string> decline_exponential(const KernelCall& call) {
  if (call.is_quantized()) return "the operand is of integers";
  for (const TaskOperand& input : call.inputs)
    if (input.form.dtype != DataType::float32) return "it is not float";
  if (call.inputs.back().form.dims != call.outputs[0].form.dims) return "the operands do not match";
  return std::nullopt;
}

// All operands in the layout of x, the last input.
Layouts choose_layouts(const KernelCall& call) {
  const Layout layout =
      call.inputs[call.inputs.back().is_constant() ? 0 : call.inputs.size() - 1].form.layout;
  return {.inputs = std::vector<Layout>(call.inputs.size(), layout), .outputs = {layout}};
}

BoundStep bind_exponential(const KernelCall& call) {
  return {.run = [count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  is_gradient = call.inputs.size() > 1, dy = place_of(call.inputs.front()),
                  x = place_of(call.inputs.back()), to = call.outputs[0].slot] {
    const Operands of{reinterpret_cast<const float*>(dy->data), reinterpret_cast<const float*>(x->data),
                      reinterpret_cast<float*>(to->data)};
    for_chunks(count, threads, [&](std::int64_t begin, std::int64_t end) {
      is_gradient ? erf_gradient_of_all(of, begin, end) : exp_of_all(of, begin, end);
    });
  }};
}

}  // namespace

Kernel exponential_kernel() {
  Kernel kernel{.name = "exponential",
                .op_types = {"Exp", "edgeopt.ErfGradient"},
                .decline = decline_exponential,
                .choose_layouts = choose_layouts,
                .bind = bind_exponential,
                .in_place_inputs = {0},
                // The polynomial is good to two units of 2^-23.
                .tolerance = 5e-7};
  for (const std::int64_t count : {1, 15, 16, 17, 53, 1000}) {
    const TensorForm row{DataType::float32, {count}};
    kernel.cases.push_back({.op_type = "Exp", .inputs = {row}});
    kernel.cases.push_back({.op_type = "edgeopt.ErfGradient", .inputs = {row, row}});
  }
  const TensorForm few{DataType::float32, {6}};
  kernel.cases.push_back({.op_type = "Exp", .inputs = {few}, .is_special = true});
  return kernel;
}

}  // namespace edgeopt
