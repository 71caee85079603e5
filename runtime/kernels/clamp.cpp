// Relu and Clip: y = min(max(x, low), high); NaN stays NaN, which oneDNN's code does not promise.
#include <limits>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Bounds {
  float low = -infinity;
  float high = infinity;
};

EDGEOPT_VECTORIZED void clamp(const float* x, float* y, std::int64_t count, Bounds by) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float raised = x[i] < by.low ? by.low : x[i];
    y[i] = raised > by.high ? by.high : raised;
  }
}

// Since opset 11 the bounds of Clip are inputs.
std::optional<float> bound(const KernelCall& call, std::size_t index, const char* attribute,
                           float otherwise) {
  if (!call.has_input(index)) return call.node().attributes.get_float(attribute, otherwise);
  const auto& constant = call.inputs[index].constant;
  if (!constant || constant->dtype() != DataType::float32 || constant->element_count() != 1)
    return std::nullopt;
  return constant->data<float>()[0];
}

std::optional<Bounds> bounds_of(const KernelCall& call) {
  if (call.node().is("Relu")) return Bounds{.low = 0};
  const auto low = bound(call, 1, "min", -infinity);
  const auto high = bound(call, 2, "max", infinity);
  // The spec leaves low > high open; the definition decides.
  if (!low || !high || !(*low <= *high)) return std::nullopt;
  return Bounds{*low, *high};
}

std::optional<std::string> decline_clamp(const KernelCall& call) {
  if (call.is_quantized() || call.inputs[0].form.dtype != DataType::float32) return "it is not float";
  if (!bounds_of(call)) return "a bound is computed";
  return std::nullopt;
}

Layouts layouts_of_first(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = call.inputs[0].form.layout;
  return layouts;
}

BoundStep bind_clamp(const KernelCall& call) {
  return {.run = [count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  by = bounds_of(call).value(), from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const float* x = reinterpret_cast<const float*>(from->data);
    float* y = reinterpret_cast<float*>(to->data);
    for_chunks(count, threads,
               [&](std::int64_t begin, std::int64_t end) { clamp(x + begin, y + begin, end - begin, by); });
  }};
}

}  // namespace

Kernel clamp_kernel() {
  Kernel kernel{.name = "clamp",
                .op_types = {"Relu", "Clip"},
                .decline = decline_clamp,
                .choose_layouts = layouts_of_first,
                .bind = bind_clamp,
                .in_place_inputs = {0}};
  for (const std::int64_t count : {1, 15, 16, 17, 53, 100000}) {
    kernel.cases.push_back({.op_type = "Relu", .inputs = {{DataType::float32, {count}}}, .is_special = true});
    kernel.cases.push_back({.op_type = "Clip",
                            .inputs = {{DataType::float32, {count}}, {}, {}},
                            .constants = {{1, Tensor::scalar(-1.0f)}, {2, Tensor::scalar(0.5f)}},
                            .is_special = true});
    kernel.cases.push_back({.op_type = "Clip",
                            .inputs = {{DataType::float32, {count}}, {}},
                            .constants = {{1, Tensor::scalar(-1.0f)}},
                            .is_special = true});
  }
  return kernel;
}

}  // namespace edgeopt
