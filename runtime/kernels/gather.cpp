// Gather: blocks of the input at the indices of one axis, in plain layout.
#include <fmt/format.h>

#include <cstring>

#include "runtime/kernel.h"
#include "support/error.h"

namespace edgeopt {
namespace {

struct Blocks {
  std::int64_t before = 1;  // how often the axis is passed
  std::int64_t size = 1;    // of the axis
  std::int64_t count = 0;   // of indices
  std::size_t bytes = 1;    // of a block behind the axis
};

std::optional<std::string> decline_gather(const KernelCall& call) {
  const int bits = bit_count(call.inputs[0].form.dtype);
  if (bits < 8 || call.inputs[0].form.dims.empty()) return "elements are no whole bytes";
  if (call.inputs[1].form.dtype != DataType::int64) return "the indices are not int64";
  if (call.is_quantized() && call.task.input_quantization[0] != call.task.output_quantization)
    return "the scale changes";
  return std::nullopt;
}

void gather(const Blocks& blocks, const std::byte* from, const std::int64_t* indices, std::byte* to) {
  const auto row = static_cast<std::int64_t>(blocks.bytes) * blocks.size;
  for (std::int64_t i = 0; i < blocks.before; ++i)
    for (std::int64_t k = 0; k < blocks.count; ++k, to += blocks.bytes) {
      const std::int64_t index = indices[k] < 0 ? indices[k] + blocks.size : indices[k];
      if (index < 0 || index >= blocks.size)
        throw UserError(fmt::format("index {} is outside an axis of {} elements", indices[k], blocks.size));
      std::memcpy(to, from + i * row + index * static_cast<std::int64_t>(blocks.bytes), blocks.bytes);
    }
}

BoundStep bind_gather(const KernelCall& call) {
  const Dims& dims = call.inputs[0].form.dims;
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.node().attributes.get_int("axis", 0), dims.size()));
  const std::span all(dims);
  const Blocks blocks{.before = element_count(all.first(axis)),
                      .size = dims[axis],
                      .count = element_count(call.inputs[1].form.dims),
                      .bytes = byte_count(call.inputs[0].form.dtype, element_count(all.subspan(axis + 1)))};
  return {.run = [blocks, from = place_of(call.inputs[0]), indices = place_of(call.inputs[1]),
                  to = call.outputs[0].slot] {
    gather(blocks, from->data, reinterpret_cast<const std::int64_t*>(indices->data), to->data);
  }};
}

}  // namespace

Kernel gather_kernel() {
  return {.name = "gather",
          .op_types = {"Gather"},
          .decline = decline_gather,
          .bind = bind_gather,
          .cases = {{.op_type = "Gather",
                     .inputs = {{DataType::float32, {3, 17}}, {}},
                     .constants = {{1, int64_tensor(Dims{2, 0, -1, 2})}}},
                    {.op_type = "Gather",
                     .inputs = {{DataType::uint8, {2, 3, 5}}, {}},
                     .attributes = {{"axis", 1}},
                     .constants = {{1, Tensor::scalar(std::int64_t{1})}}}}};
}

}  // namespace edgeopt
