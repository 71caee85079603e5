// ReluGradient(dy, x) and ClipGradient(dy, x, low, high): dy where x lies within bounds, else 0; in any
// layout, in place.
#include <limits>

#include "runtime/chunks.h"
#include "runtime/kernel.h"
#include "runtime/simd.h"

namespace edgeopt {
namespace {

struct Operands {
  const float* dy;
  const float* x;
  float* dx;
};

EDGEOPT_VECTORIZED void keep_positive(Operands of, std::int64_t begin, std::int64_t end) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) of.dx[i] = of.x[i] > 0 ? of.dy[i] : 0;
}

struct Bounds {
  float low = 0, high = 0;
};

EDGEOPT_VECTORIZED void keep_within(Operands of, Bounds by, std::int64_t begin, std::int64_t end) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) {
    const float lower = of.x[i] >= by.low ? of.dy[i] : 0;
    of.dx[i] = of.x[i] <= by.high ? lower : 0;
  }
}

std::optional<std::string> decline_gate(const KernelCall& call) {
  for (const TaskOperand& input : call.inputs)
    if (input.is_present && input.form.dtype != DataType::float32) return "it is not float";
  if (call.inputs[0].form.dims != call.inputs[1].form.dims) return "an operand is broadcast";
  for (std::size_t i = 2; i < call.inputs.size(); ++i)
    if (call.inputs[i].is_present && element_count(call.inputs[i].form.dims) != 1)
      return "a bound is not one number";
  return std::nullopt;
}

// Both operands in the layout of x, which is what the layer before it computed.
Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  const Layout of_x = call.inputs[1].is_constant() ? call.inputs[0].form.layout : call.inputs[1].form.layout;
  layouts.inputs[0] = layouts.inputs[1] = layouts.outputs[0] = of_x;
  return layouts;
}

std::shared_ptr<const Slot> bound_at(const KernelCall& call, std::size_t index) {
  return call.has_input(index) ? place_of(call.inputs[index]) : nullptr;
}

float number_at(const std::shared_ptr<const Slot>& slot, float otherwise) {
  return slot ? *reinterpret_cast<const float*>(slot->data) : otherwise;
}

BoundStep bind_gate(const KernelCall& call) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  return {.run = [count = element_count(call.outputs[0].form.dims), threads = call.thread_count,
                  is_relu = call.node().op_type == "ReluGradient", low = bound_at(call, 2),
                  high = bound_at(call, 3), dy = place_of(call.inputs[0]), x = place_of(call.inputs[1]),
                  dx = call.outputs[0].slot] {
    const Operands of{reinterpret_cast<const float*>(dy->data), reinterpret_cast<const float*>(x->data),
                      reinterpret_cast<float*>(dx->data)};
    const Bounds by{number_at(low, -infinity), number_at(high, infinity)};
    for_chunks(count, threads, [&](std::int64_t begin, std::int64_t end) {
      is_relu ? keep_positive(of, begin, end) : keep_within(of, by, begin, end);
    });
  }};
}

}  // namespace

Kernel gate_gradient_kernel() {
  Kernel kernel{.name = "gate_gradient",
                .op_types = {"edgeopt.ReluGradient", "edgeopt.ClipGradient"},
                .decline = decline_gate,
                .choose_layouts = choose_layouts,
                .bind = bind_gate,
                .in_place_inputs = {0, 1}};
  for (const std::int64_t count : {1, 15, 16, 17, 53, 100000}) {
    const TensorForm row{DataType::float32, {count}}, number{DataType::float32, {}};
    kernel.cases.push_back({.op_type = "edgeopt.ReluGradient", .inputs = {row, row}, .is_special = true});
    kernel.cases.push_back({.op_type = "edgeopt.ClipGradient",
                            .inputs = {row, row, number, number},
                            .constants = {{2, Tensor::scalar(-1.0F)}, {3, Tensor::scalar(0.5F)}}});
    kernel.cases.push_back({.op_type = "edgeopt.ClipGradient", .inputs = {row, row, number}});
  }
  return kernel;
}

}  // namespace edgeopt
