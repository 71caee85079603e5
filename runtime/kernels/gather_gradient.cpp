// GatherGradient(dy, x, indices): every block of dy is added to the block of dx that it was read from, in
// plain layout.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/kernel.h"
#include "runtime/simd.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Blocks {
  std::int64_t before = 1;  // how often the axis is passed
  std::int64_t size = 1;    // of the axis
  std::int64_t count = 0;   // of indices
  std::int64_t length = 1;  // of a block behind the axis
};

EDGEOPT_VECTORIZED void add_block(const float* dy, float* dx, std::int64_t length) {
#pragma omp simd
  for (std::int64_t i = 0; i < length; ++i) dx[i] += dy[i];
}

void add_blocks(const Blocks& blocks, const float* dy, const std::int64_t* indices, float* dx) {
  std::fill(dx, dx + blocks.before * blocks.size * blocks.length, 0.0F);
  for (std::int64_t i = 0; i < blocks.before; ++i, dx += blocks.size * blocks.length)
    for (std::int64_t k = 0; k < blocks.count; ++k, dy += blocks.length) {
      const std::int64_t index = indices[k] < 0 ? indices[k] + blocks.size : indices[k];
      if (index < 0 || index >= blocks.size)
        throw UserError(fmt::format("index {} is outside an axis of {} elements", indices[k], blocks.size));
      add_block(dy, dx + index * blocks.length, blocks.length);
    }
}

std::optional<std::string> decline_gradient(const KernelCall& call) {
  if (call.inputs[0].form.dtype != DataType::float32) return "it is not float";
  if (call.inputs[1].form.dims.empty() || call.inputs[2].form.dtype != DataType::int64)
    return "the indices are not int64";
  return std::nullopt;
}

BoundStep bind_gradient(const KernelCall& call) {
  const Dims& dims = call.outputs[0].form.dims;
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.node().attributes.get_int("axis", 0), dims.size()));
  const std::span all(dims);
  const Blocks blocks{.before = element_count(all.first(axis)),
                      .size = dims[axis],
                      .count = element_count(call.inputs[2].form.dims),
                      .length = element_count(all.subspan(axis + 1))};
  return {.run = [blocks, dy = place_of(call.inputs[0]), indices = place_of(call.inputs[2]),
                  dx = call.outputs[0].slot] {
    add_blocks(blocks, reinterpret_cast<const float*>(dy->data),
               reinterpret_cast<const std::int64_t*>(indices->data), reinterpret_cast<float*>(dx->data));
  }};
}

}  // namespace

Kernel gather_gradient_kernel() {
  Kernel kernel{.name = "gather_gradient",
                .op_types = {"edgeopt.GatherGradient"},
                .decline = decline_gradient,
                .bind = bind_gradient,
                .unread_inputs = {1},
                // An element that was read several times is a sum of as many.
                .tolerance = 1e-6};
  const auto add = [&](Dims y, Dims x, const Tensor& indices, std::int64_t axis) {
    kernel.cases.push_back(
        {.op_type = "edgeopt.GatherGradient",
         .inputs = {{DataType::float32, std::move(y)}, {DataType::float32, std::move(x)}, {}},
         .attributes = {{"axis", axis}},
         .constants = {{2, indices}}});
  };
  for (const std::int64_t width : {1, 15, 16, 17, 53})
    add({3, width}, {4, width}, int64_tensor(Dims{2, -1, 2}), 0);
  add({2, 3, 5}, {2, 4, 5}, int64_tensor(Dims{0, 3, 3}), 1);
  add({2, 5}, {2, 4, 5}, Tensor::scalar<std::int64_t>(1), 1);
  return kernel;
}

}  // namespace edgeopt
