// Transpose: the input read with its distances permuted. Only the plain order of dims is meant.
#include <algorithm>

#include "runtime/strided_copy.h"

namespace edgeopt {
namespace {

std::optional<std::string> decline_transpose(const KernelCall& call) {
  if (!moves_elements_alone(call)) return "elements are no whole bytes, or the scale changes";
  return std::nullopt;
}

// Reads what lies channels last as it lies; writes plainly.
Layouts choose_transpose_layouts(const KernelCall& call) {
  return {.inputs = {call.inputs[0].form.layout}, .outputs = {Layout::plain}};
}

BoundStep bind_transpose(const KernelCall& call) {
  const std::size_t rank = call.outputs[0].form.dims.size();
  Dims order = call.node().attributes.get_ints("perm");
  for (std::size_t i = order.size(); i < rank; ++i) order.push_back(static_cast<std::int64_t>(rank - 1 - i));
  const Dims from = memory_strides(call.inputs[0].form);
  StridedCopy copy{.counts = call.outputs[0].form.dims,
                   .target_strides = memory_strides(call.outputs[0].form),
                   .element_bytes = static_cast<std::size_t>(bit_count(call.outputs[0].form.dtype)) / 8};
  for (const std::int64_t dim : order) copy.source_strides.push_back(from[static_cast<std::size_t>(dim)]);
  return {.run = [copy = simplified(copy), from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    run_copy(copy, from->data, to->data);
  }};
}

}  // namespace

Kernel transpose_kernel() {
  using Ints = std::vector<std::int64_t>;
  return {.name = "transpose",
          .op_types = {"Transpose"},
          .decline = decline_transpose,
          .choose_layouts = choose_transpose_layouts,
          .bind = bind_transpose,
          .cases = {{.op_type = "Transpose", .inputs = {{DataType::float32, {3, 17}}}},
                    {.op_type = "Transpose",
                     .inputs = {{DataType::int64, {2, 3, 4, 5}}},
                     .attributes = {{"perm", Ints{0, 2, 3, 1}}}},
                    {.op_type = "Transpose",
                     .inputs = {{DataType::uint8, {2, 1, 16, 5}}},
                     .attributes = {{"perm", Ints{1, 0, 3, 2}}}}}};
}

}  // namespace edgeopt
