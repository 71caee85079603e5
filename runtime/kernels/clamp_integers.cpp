// Clip of 8-bit integers: how integers of fewer bits saturate behind QuantizeLinear.
#include <limits>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Bounds {
  int low = 0;
  int high = 0;
};

EDGEOPT_VECTORIZED void clamp_u8(const std::uint8_t* x, std::uint8_t* y, std::int64_t count, Bounds by) {
  const auto low = static_cast<std::uint8_t>(by.low);
  const auto high = static_cast<std::uint8_t>(by.high);
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t raised = x[i] < low ? low : x[i];
    y[i] = raised > high ? high : raised;
  }
}

EDGEOPT_VECTORIZED void clamp_s8(const std::int8_t* x, std::int8_t* y, std::int64_t count, Bounds by) {
  const auto low = static_cast<std::int8_t>(by.low);
  const auto high = static_cast<std::int8_t>(by.high);
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int8_t raised = x[i] < low ? low : x[i];
    y[i] = raised > high ? high : raised;
  }
}

std::optional<int> bound(const KernelCall& call, std::size_t index, int otherwise) {
  if (!call.has_input(index)) return otherwise;
  const auto& constant = call.inputs[index].constant;
  if (!constant || constant->element_count() != 1) return std::nullopt;
  return static_cast<int>(to_double(*constant));
}

std::optional<Bounds> bounds_of(const KernelCall& call) {
  const bool is_unsigned = call.inputs[0].form.dtype == DataType::uint8;
  const auto low = bound(call, 1, is_unsigned ? 0 : -128);
  const auto high = bound(call, 2, is_unsigned ? 255 : 127);
  // The spec leaves low > high open; the definition decides.
  if (!low || !high || *low > *high) return std::nullopt;
  return Bounds{*low, *high};
}

std::optional<std::string> decline_clamp(const KernelCall& call) {
  const DataType dtype = call.inputs[0].form.dtype;
  if (call.is_quantized() || (dtype != DataType::uint8 && dtype != DataType::int8))
    return "it is not of 8-bit integers";
  if (!bounds_of(call)) return "a bound is computed";
  return std::nullopt;
}

Layouts layouts_of_first(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = call.inputs[0].form.layout;
  return layouts;
}

template <typename T>
BoundStep bound_loop(const KernelCall& call, void (*loop)(const T*, T*, std::int64_t, Bounds)) {
  return {.run = [=, count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  by = bounds_of(call).value(), from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    const T* x = reinterpret_cast<const T*>(from->data);
    T* y = reinterpret_cast<T*>(to->data);
    for_chunks(count, threads,
               [&](std::int64_t begin, std::int64_t end) { loop(x + begin, y + begin, end - begin, by); });
  }};
}

BoundStep bind_clamp(const KernelCall& call) {
  return call.inputs[0].form.dtype == DataType::uint8 ? bound_loop(call, clamp_u8)
                                                      : bound_loop(call, clamp_s8);
}

}  // namespace

Kernel clamp_integers_kernel() {
  Kernel kernel{.name = "clamp_integers",
                .op_types = {"Clip"},
                .decline = decline_clamp,
                .choose_layouts = layouts_of_first,
                .bind = bind_clamp,
                .in_place_inputs = {0}};
  for (const std::int64_t count : {1, 63, 64, 65, 1000}) {
    kernel.cases.push_back(
        {.op_type = "Clip",
         .inputs = {{DataType::uint8, {count}}, {}, {}},
         .constants = {{1, Tensor::scalar(std::uint8_t{3})}, {2, Tensor::scalar(std::uint8_t{15})}}});
    kernel.cases.push_back(
        {.op_type = "Clip",
         .inputs = {{DataType::int8, {count}}, {}, {}},
         .constants = {{1, Tensor::scalar(std::int8_t{-8})}, {2, Tensor::scalar(std::int8_t{7})}}});
  }
  return kernel;
}

}  // namespace edgeopt
