// Slice and Split: blocks of the input, in any layout.
#include <algorithm>

#include "runtime/strided_copy.h"

namespace edgeopt {
namespace {

constexpr int opset_of_slice_inputs = 10;

std::optional<Dims> parameter(const KernelCall& call, std::size_t index, const char* attribute) {
  if (call.opset < opset_of_slice_inputs) return call.node().attributes.get_ints(attribute);
  if (!call.has_input(index)) return Dims{};
  if (!call.inputs[index].is_constant()) return std::nullopt;
  return to_int64s(*call.inputs[index].constant);
}

struct Ranges {
  Dims starts, steps;  // by dim
};

std::optional<Ranges> ranges_of(const KernelCall& call) {
  const Dims& dims = call.inputs[0].form.dims;
  const auto starts = parameter(call, 1, "starts");
  const auto axes = parameter(call, 3, "axes");
  const auto steps =
      call.opset < opset_of_slice_inputs ? std::optional<Dims>(Dims{}) : parameter(call, 4, "");
  if (!starts || !axes || !steps) return std::nullopt;
  Ranges result{.starts = Dims(dims.size(), 0), .steps = Dims(dims.size(), 1)};
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes->empty() ? static_cast<std::int64_t>(i)
                                                             : normalize_axis((*axes)[i], dims.size()));
    const std::int64_t step = steps->empty() ? 1 : (*steps)[i];
    const std::int64_t start = (*starts)[i] < 0 ? (*starts)[i] + dims[axis] : (*starts)[i];
    result.starts[axis] =
        std::clamp<std::int64_t>(start, 0, std::max<std::int64_t>(0, dims[axis] - (step < 0)));
    result.steps[axis] = step;
  }
  return result;
}

std::optional<std::string> decline_slice(const KernelCall& call) {
  if (!moves_elements_alone(call)) return "elements are no whole bytes, or the scale changes";
  if (call.node().is("Slice") && !ranges_of(call)) return "the range is computed";
  return std::nullopt;
}

Layouts layouts_of_first(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = call.inputs[0].form.layout;
  for (Layout& layout : layouts.outputs) layout = call.inputs[0].form.layout;
  return layouts;
}

StridedCopy block(const TensorForm& from, const TensorForm& to, const Ranges& ranges) {
  StridedCopy copy{.counts = to.dims,
                   .source_strides = memory_strides(from),
                   .target_strides = memory_strides(to),
                   .element_bytes = static_cast<std::size_t>(bit_count(from.dtype)) / 8};
  for (std::size_t i = 0; i < copy.counts.size(); ++i) {
    copy.source_offset += ranges.starts[i] * copy.source_strides[i];
    copy.source_strides[i] *= ranges.steps[i];
  }
  return simplified(copy);
}

BoundStep bind_split(const KernelCall& call) {
  const TensorForm& input = call.inputs[0].form;
  const auto axis =
      static_cast<std::size_t>(normalize_axis(call.node().attributes.get_int("axis", 0), input.dims.size()));
  Ranges ranges{.starts = Dims(input.dims.size(), 0), .steps = Dims(input.dims.size(), 1)};
  std::vector<std::pair<StridedCopy, Slot*>> blocks;
  for (const TaskOperand& output : call.outputs) {
    if (output.is_present) blocks.emplace_back(block(input, output.form, ranges), output.slot);
    ranges.starts[axis] += output.form.dims.empty() ? 0 : output.form.dims[axis];
  }
  return {.run = [blocks, from = place_of(call.inputs[0])] {
    for (const auto& [copy, slot] : blocks) run_copy(copy, from->data, slot->data);
  }};
}

BoundStep bind_slice(const KernelCall& call) {
  if (call.node().is("Split")) return bind_split(call);
  const StridedCopy copy = block(call.inputs[0].form, call.outputs[0].form, ranges_of(call).value());
  return {.run = [copy, from = place_of(call.inputs[0]), to = call.outputs[0].slot] {
    run_copy(copy, from->data, to->data);
  }};
}

std::vector<KernelCase> slice_cases() {
  const auto range = [](Dims dims, Dims starts, Dims ends, Dims axes, Dims steps) {
    return KernelCase{.op_type = "Slice",
                      .inputs = {{DataType::float32, std::move(dims)}, {}, {}, {}, {}},
                      .constants = {{1, int64_tensor(starts)},
                                    {2, int64_tensor(ends)},
                                    {3, int64_tensor(axes)},
                                    {4, int64_tensor(steps)}}};
  };
  return {range({2, 17, 5, 6}, {1, 0}, {-1, 5}, {1, 3}, {1, 2}),
          range({53}, {-1}, {-54}, {0}, {-3}),
          range({3, 4}, {5}, {9}, {1}, {1}),
          {.op_type = "Split",
           .inputs = {{DataType::float32, {2, 17, 3}}, {}},
           .attributes = {{"axis", 1}},
           .constants = {{1, int64_tensor(Dims{1, 16})}},
           .output_count = 2}};
}

}  // namespace

Kernel slice_kernel() {
  return {.name = "slice",
          .op_types = {"Slice", "Split"},
          .decline = decline_slice,
          .choose_layouts = layouts_of_first,
          .bind = bind_slice,
          .cases = slice_cases()};
}

}  // namespace edgeopt
