// Concat in any layout: rows of the inputs copied one behind the other. Integers of another scale than the
// output's go through a table of the 256 results.
#include <array>
#include <cmath>
#include <cstring>

#include "runtime/kernel.h"

namespace edgeopt {
namespace {

using Table = std::array<std::uint8_t, 256>;

// One input: `row_bytes` bytes of every row go to `offset` in the output's row.
struct Part {
  std::shared_ptr<const Slot> place;
  std::size_t row_bytes = 0;
  std::size_t offset = 0;
  std::shared_ptr<const Table> table;  // null where bytes stay as they are
};

std::int64_t axis_of(const KernelCall& call) {
  return normalize_axis(call.node().attributes.get_int("axis", 1), call.outputs[0].form.dims.size());
}

std::optional<std::string> decline_concat(const KernelCall& call) {
  if (call.outputs[0].form.dtype == DataType::string || bit_count(call.outputs[0].form.dtype) < 8)
    return "elements are not whole bytes";
  if (!call.is_quantized()) return std::nullopt;
  if (!call.task.output_quantization) return "the result is read in float";
  if (call.outputs[0].form.dtype != DataType::uint8 && call.outputs[0].form.dtype != DataType::int8)
    return "the output is not of 8 bits";
  if (call.task.output_quantization->is_per_channel()) return "the output has a scale per channel";
  for (const auto& quantization : call.task.input_quantization)
    if (quantization->is_per_channel() || bit_count(quantization->dtype) != 8)
      return "an input has another precision";
  return std::nullopt;
}

int integer_of(std::uint8_t byte, DataType type) {
  return type == DataType::int8 ? static_cast<std::int8_t>(byte) : byte;
}

// The output's integer for every integer of the input: dequantized, then quantized.
std::shared_ptr<const Table> requantizing_table(const Quantization& from, const Quantization& to) {
  if (from == to) return nullptr;
  const float low = to.dtype == DataType::int8 ? -128.0f : 0.0f;
  auto table = std::make_shared<Table>();
  for (int byte = 0; byte < 256; ++byte) {
    const int integer = integer_of(static_cast<std::uint8_t>(byte), from.dtype);
    const float real = static_cast<float>(integer - from.zero_point()) * from.scale();
    const float rounded = std::nearbyint(real / to.scale()) + static_cast<float>(to.zero_point());
    (*table)[static_cast<std::size_t>(byte)] =
        static_cast<std::uint8_t>(static_cast<int>(std::fmin(std::fmax(rounded, low), low + 255)));
  }
  return table;
}

// The bytes of one row: everything from the axis on, in the order in which it lies.
std::size_t row_bytes(const TensorForm& form, std::int64_t axis) {
  std::int64_t count = 1;
  const bool is_last = form.layout == Layout::channels_last;
  for (std::size_t i = 0; i < form.dims.size(); ++i) {
    const std::int64_t place = !is_last || i == 0 ? static_cast<std::int64_t>(i)
                               : i == 1           ? static_cast<std::int64_t>(form.dims.size()) - 1
                                                  : static_cast<std::int64_t>(i) - 1;
    if (place >= axis) count *= form.dims[i];
  }
  return byte_count(form.dtype, count);
}

void copy_row(const Part& part, const std::byte* from, std::byte* to) {
  if (!part.table) {
    std::memcpy(to, from, part.row_bytes);
    return;
  }
  for (std::size_t i = 0; i < part.row_bytes; ++i)
    to[i] = static_cast<std::byte>((*part.table)[static_cast<std::uint8_t>(from[i])]);
}

BoundStep bind_concat(const KernelCall& call) {
  const std::int64_t axis = axis_of(call);
  const TensorForm& output = call.outputs[0].form;
  // The axis in the order in which dims lie.
  const std::int64_t rank = static_cast<std::int64_t>(output.dims.size());
  const std::int64_t place = output.layout == Layout::plain || axis == 0 ? axis
                             : axis == 1                                 ? rank - 1
                                                                         : axis - 1;
  std::vector<Part> parts;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    TensorForm form = call.inputs[i].form;
    Part part{.place = place_of(call.inputs[i]), .row_bytes = row_bytes(form, place), .offset = offset};
    if (call.is_quantized())
      part.table = requantizing_table(*call.task.input_quantization[i], *call.task.output_quantization);
    offset += part.row_bytes;
    if (part.row_bytes > 0) parts.push_back(std::move(part));
  }
  const std::size_t row_count = offset == 0 ? 0 : byte_size(output) / offset;
  return {.run = [parts, row_count, offset, slot = call.outputs[0].slot] {
    for (const Part& part : parts)
      for (std::size_t row = 0; row < row_count; ++row)
        copy_row(part, part.place->data + row * part.row_bytes, slot->data + row * offset + part.offset);
  }};
}

}  // namespace

Kernel concat_kernel() {
  return {
      .name = "concat",
      .op_types = {"Concat"},
      .decline = decline_concat,
      .choose_layouts = common_layouts,
      .bind = bind_concat,
      .cases = {{.op_type = "Concat",
                 .inputs = {{DataType::float32, {2, 3, 5}}, {DataType::float32, {2, 17, 5}}},
                 .attributes = {{"axis", 1}}},
                {.op_type = "Concat",
                 .inputs = {{DataType::int64, {2, 3}}, {DataType::int64, {2, 1}}},
                 .attributes = {{"axis", -1}}},
                {.op_type = "Concat", .inputs = {{DataType::uint8, {1, 4}}}, .attributes = {{"axis", 0}}}}};
}

}  // namespace edgeopt
