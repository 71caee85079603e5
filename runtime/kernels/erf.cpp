// erf(x) = x p(x^2) / q(x^2) on [-4, 4], where it is +-1 to float precision beyond.
#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

// source: the rational minimax approximation that Eigen's generic_fast_erf_float and XLA use
[[gnu::always_inline]] inline float erf_of(float x) {
  const float at = x > 4.0f ? 4.0f : (x < -4.0f ? -4.0f : x);
  const float square = at * at;
  float p = -2.72614225801306e-10f;
  p = p * square + 2.77068142495902e-08f;
  p = p * square + -2.10102402082508e-06f;
  p = p * square + -5.69250639462346e-05f;
  p = p * square + -7.34990630326855e-04f;
  p = p * square + -2.95459980854025e-03f;
  p = p * square + -1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * square + -2.13374055278905e-04f;
  q = q * square + -1.68282697438203e-03f;
  q = q * square + -7.37332916720468e-03f;
  q = q * square + -1.42647390514189e-02f;
  return at * p / q;
}

EDGEOPT_VECTORIZED void erf_of_all(const float* x, float* y, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = erf_of(x[i]);
}

std::optional<std::string> decline_erf(const KernelCall& call) {
  if (call.inputs[0].form.dtype != DataType::float32) return "it is not float";
  return std::nullopt;
}

Layouts layouts_of_input(const KernelCall& call) {
  return {.inputs = {call.inputs[0].form.layout}, .outputs = {call.inputs[0].form.layout}};
}

BoundStep bind_erf(const KernelCall& call) {
  return {.run = [count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const float* x = reinterpret_cast<const float*>(from->data);
    float* y = reinterpret_cast<float*>(to->data);
    for_chunks(count, threads,
               [&](std::int64_t begin, std::int64_t end) { erf_of_all(x + begin, y + begin, end - begin); });
  }};
}

}  // namespace

Kernel erf_kernel() {
  Kernel kernel{.name = "erf",
                .op_types = {"Erf"},
                .decline = decline_erf,
                .choose_layouts = layouts_of_input,
                .bind = bind_erf,
                .in_place_inputs = {0},
                // The approximation is good to 2 units of 2^-24, and its evaluation rounds a dozen times.
                .tolerance = 1e-6};
  for (const std::int64_t count : {1, 15, 16, 17, 53, 1000})
    kernel.cases.push_back({.op_type = "Erf", .inputs = {{DataType::float32, {count}}}, .is_special = true});
  return kernel;
}

}  // namespace edgeopt
