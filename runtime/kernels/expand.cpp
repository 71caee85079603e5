// Expand: the input read with distance 0 along the dims that repeat it.
#include <algorithm>

#include "runtime/strided_copy.h"

namespace edgeopt {
namespace {

std::optional<std::string> decline_expand(const KernelCall& call) {
  if (!moves_elements_alone(call)) return "elements are no whole bytes, or the scale changes";
  return std::nullopt;
}

// What one pixel per channel is spread over comes from a mean over space, behind convolutions: channels last.
Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  const TensorForm& x = call.inputs[0].form;
  if (x.dims.size() != call.outputs[0].form.dims.size() || !can_be_channels_last(x.dims)) return layouts;
  const bool is_pixel = x.dims.size() >= 4 && element_count(std::span(x.dims).subspan(2)) == 1;
  if (is_pixel || x.layout == Layout::channels_last)
    layouts.inputs[0] = layouts.outputs[0] = Layout::channels_last;
  return layouts;
}

BoundStep bind_expand(const KernelCall& call) {
  const TensorForm& x = call.inputs[0].form;
  const TensorForm& y = call.outputs[0].form;
  StridedCopy copy{.counts = y.dims,
                   .source_strides = Dims(y.dims.size() - x.dims.size(), 0),
                   .target_strides = memory_strides(y),
                   .element_bytes = static_cast<std::size_t>(bit_count(y.dtype)) / 8};
  const Dims from = memory_strides(x);
  for (std::size_t i = 0; i < from.size(); ++i) copy.source_strides.push_back(x.dims[i] == 1 ? 0 : from[i]);
  return {.run = [copy = simplified(copy), from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    run_copy(copy, from->data, to->data);
  }};
}

}  // namespace

Kernel expand_kernel() {
  Kernel kernel{.name = "expand",
                .op_types = {"Expand"},
                .decline = decline_expand,
                .choose_layouts = choose_layouts,
                .bind = bind_expand,
                .unread_inputs = {1}};
  const auto add = [&](Dims x, const Dims& shape) {
    kernel.cases.push_back({.op_type = "Expand",
                            .inputs = {{DataType::float32, std::move(x)}, {}},
                            .constants = {{1, int64_tensor(shape)}}});
  };
  for (const std::int64_t channels : {1, 15, 16, 17, 53}) add({2, channels, 1, 1}, {2, channels, 3, 4});
  add({3, 1}, {2, 1, 5});
  add({}, {2, 3});
  add({4, 5}, {1, 1});
  return kernel;
}

}  // namespace edgeopt
