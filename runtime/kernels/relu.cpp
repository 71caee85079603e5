// y = max(x, 0); NaN stays NaN, which oneDNN's code does not promise.
#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

EDGEOPT_VECTORIZED void relu(const float* x, float* y, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] < 0 ? 0 : x[i];
}

std::optional<std::string> decline_relu(const KernelCall& call) {
  if (call.is_quantized() || call.inputs[0].form.dtype != DataType::float32) return "it is not float";
  return std::nullopt;
}

Layouts layouts_of_input(const KernelCall& call) {
  return {.inputs = {call.inputs[0].form.layout}, .outputs = {call.inputs[0].form.layout}};
}

BoundStep bind_relu(const KernelCall& call) {
  return {.run = [count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const float* x = reinterpret_cast<const float*>(from->data);
    float* y = reinterpret_cast<float*>(to->data);
    for_chunks(count, threads,
               [&](std::int64_t begin, std::int64_t end) { relu(x + begin, y + begin, end - begin); });
  }};
}

}  // namespace

Kernel relu_kernel() {
  Kernel kernel{.name = "relu",
                .op_types = {"Relu"},
                .decline = decline_relu,
                .choose_layouts = layouts_of_input,
                .bind = bind_relu,
                .in_place_inputs = {0}};
  for (const std::int64_t count : {1, 15, 16, 17, 53, 100000})
    kernel.cases.push_back({.op_type = "Relu", .inputs = {{DataType::float32, {count}}}, .is_special = true});
  return kernel;
}

}  // namespace edgeopt
