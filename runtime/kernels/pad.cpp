// Pad with a constant, in any layout: the output filled, then the input copied into it.
#include <algorithm>
#include <cstring>

#include "runtime/strided_copy.h"

namespace edgeopt {
namespace {

constexpr int opset_of_pad_inputs = 11;

// Padding per dim at the beginning, by the output's dims.
std::optional<Dims> beginnings(const KernelCall& call) {
  const std::size_t rank = call.inputs[0].form.dims.size();
  if (call.opset < opset_of_pad_inputs) {
    const Dims pads = call.node().attributes.get_ints("pads");
    return Dims(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  }
  if (!call.has_input(1) || !call.inputs[1].is_constant() ||
      (call.has_input(3) && !call.inputs[3].is_constant()))
    return std::nullopt;
  const Dims pads = to_int64s(*call.inputs[1].constant);
  Dims axes = call.has_input(3) ? to_int64s(*call.inputs[3].constant) : Dims();
  if (axes.empty())
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  Dims result(rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i)
    result[static_cast<std::size_t>(normalize_axis(axes[i], rank))] = pads[i];
  return result;
}

// The bytes of one element of padding.
std::optional<std::vector<std::byte>> filling(const KernelCall& call) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(bit_count(call.inputs[0].form.dtype)) / 8);
  const bool is_given = call.opset >= opset_of_pad_inputs && call.has_input(2);
  if (is_given && !call.inputs[2].is_constant()) return std::nullopt;
  if (call.is_quantized()) {
    // Real 0 is the zero point; other values would have to be rounded.
    if (is_given && to_double(*call.inputs[2].constant) != 0) return std::nullopt;
    bytes[0] = static_cast<std::byte>(call.task.input_quantization[0]->zero_point());
  } else if (is_given) {
    const auto value = call.inputs[2].constant->bytes();
    std::copy(value.begin(), value.end(), bytes.begin());
  } else if (const float value = call.node().attributes.get_float("value", 0); value != 0) {
    std::memcpy(bytes.data(), &value, sizeof(value));
  }
  return bytes;
}

std::optional<std::string> decline_pad(const KernelCall& call) {
  if (!moves_elements_alone(call)) return "elements are no whole bytes, or the scale changes";
  if (call.is_quantized() && bit_count(call.inputs[0].form.dtype) != 8)
    return "the integers are not of 8 bits";
  if (call.node().attributes.get_string("mode", "constant") != "constant")
    return "it pads with other elements";
  const auto begin = beginnings(call);
  if (!begin || !filling(call)) return "the padding is computed";
  for (std::size_t i = 0; i < begin->size(); ++i)
    if ((*begin)[i] < 0 || (*begin)[i] + call.inputs[0].form.dims[i] > call.outputs[0].form.dims[i])
      return "it crops";
  return std::nullopt;
}

Layouts layouts_of_first(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = call.inputs[0].form.layout;
  return layouts;
}

void fill(std::byte* target, std::size_t count, const std::vector<std::byte>& element) {
  const bool is_uniform =
      std::all_of(element.begin(), element.end(), [&](std::byte b) { return b == element[0]; });
  if (is_uniform) {
    std::memset(target, static_cast<int>(element[0]), count * element.size());
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(target + i * element.size(), element.data(), element.size());
}

BoundStep bind_pad(const KernelCall& call) {
  const TensorForm& output = call.outputs[0].form;
  StridedCopy copy{.counts = call.inputs[0].form.dims,
                   .source_strides = memory_strides(call.inputs[0].form),
                   .target_strides = memory_strides(output),
                   .element_bytes = static_cast<std::size_t>(bit_count(output.dtype)) / 8};
  const Dims begin = beginnings(call).value();
  for (std::size_t i = 0; i < begin.size(); ++i) copy.target_offset += begin[i] * copy.target_strides[i];
  const auto count = static_cast<std::size_t>(element_count(output.dims));
  const bool has_elements = element_count(copy.counts) > 0;
  return {.run = [copy = simplified(copy), count, has_elements, element = filling(call).value(),
                  from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    fill(to->data, count, element);
    if (has_elements) run_copy(copy, from->data, to->data);
  }};
}

}  // namespace

Kernel pad_kernel() {
  const Tensor pads = int64_tensor(Dims{0, 1, 2, 0, 1, 0, 0, 3});
  return {
      .name = "pad",
      .op_types = {"Pad"},
      .decline = decline_pad,
      .choose_layouts = layouts_of_first,
      .bind = bind_pad,
      .cases = {
          {.op_type = "Pad", .inputs = {{DataType::float32, {2, 17, 3, 5}}, {}}, .constants = {{1, pads}}},
          {.op_type = "Pad",
           .inputs = {{DataType::float32, {2, 1, 3, 5}}, {}, {}},
           .constants = {{1, pads}, {2, Tensor::scalar(-1.5f)}}}}};
}

}  // namespace edgeopt
