// SliceGradient(dy, x, starts, ends, axes?, steps?): zeros, with dy where the slice was.
// PadGradient(dy, x, pads, value?, axes?) of constant padding: dy without the padding. In any layout.
#include <algorithm>

#include "runtime/strided_copy.h"

namespace edgeopt {
namespace {

bool is_slice(const KernelCall& call) { return call.node().op_type == "SliceGradient"; }

// The numbers of a constant input, none if it is left out; nothing if it is computed.
std::optional<Dims> numbers(const KernelCall& call, std::size_t index) {
  if (!call.has_input(index)) return Dims();
  if (!call.inputs[index].is_constant()) return std::nullopt;
  return to_int64s(*call.inputs[index].constant);
}

/// Element i along a dim of the part is element start + i * step of the whole.
struct Part {
  Dims starts, steps;  // by dim
};

std::size_t axis_at(const Dims& axes, std::size_t i, std::size_t rank) {
  return axes.empty() ? i : static_cast<std::size_t>(normalize_axis(axes[i], rank));
}

std::optional<Part> sliced_part(const KernelCall& call) {
  const Dims& dims = call.outputs[0].form.dims;
  const auto starts = numbers(call, 2), axes = numbers(call, 4), steps = numbers(call, 5);
  if (!starts || !axes || !steps) return std::nullopt;
  const std::size_t most = axes->empty() ? dims.size() : axes->size();
  if (starts->size() > most || (!steps->empty() && steps->size() < starts->size())) return std::nullopt;
  Part part{.starts = Dims(dims.size(), 0), .steps = Dims(dims.size(), 1)};
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::size_t axis = axis_at(*axes, i, dims.size());
    const std::int64_t start = (*starts)[i] < 0 ? (*starts)[i] + dims[axis] : (*starts)[i];
    part.steps[axis] = steps->empty() ? 1 : (*steps)[i];
    part.starts[axis] =
        std::clamp<std::int64_t>(start, 0, std::max<std::int64_t>(0, dims[axis] - (part.steps[axis] < 0)));
  }
  return part;
}

std::optional<Part> padded_part(const KernelCall& call) {
  const Dims& dims = call.outputs[0].form.dims;
  const auto pads = numbers(call, 2), axes = numbers(call, 4);
  if (!pads || !axes || call.node().attributes.get_string("mode", "constant") != "constant")
    return std::nullopt;
  Part part{.starts = Dims(dims.size(), 0), .steps = Dims(dims.size(), 1)};
  const bool crops = std::any_of(pads->begin(), pads->end(), [](std::int64_t pad) { return pad < 0; });
  if (crops || pads->size() != 2 * (axes->empty() ? dims.size() : axes->size())) return std::nullopt;
  for (std::size_t i = 0; i < pads->size() / 2; ++i) part.starts[axis_at(*axes, i, dims.size())] = (*pads)[i];
  return part;
}

std::optional<Part> part_of(const KernelCall& call) {
  return is_slice(call) ? sliced_part(call) : padded_part(call);
}

bool lies_inside(const Part& part, const Dims& small, const Dims& large) {
  for (std::size_t i = 0; i < small.size(); ++i) {
    const std::int64_t last = part.starts[i] + (small[i] - 1) * part.steps[i];
    if (small[i] > 0 && (std::min(part.starts[i], last) < 0 || std::max(part.starts[i], last) >= large[i]))
      return false;
  }
  return true;
}

std::optional<std::string> decline_gradient(const KernelCall& call) {
  if (call.inputs[0].form.dtype != DataType::float32) return "it is not float";
  if (call.inputs[0].form.dims.size() != call.outputs[0].form.dims.size()) return "the ranks differ";
  const std::optional<Part> part = part_of(call);
  if (!part) return "the part is computed, or more than moved";
  const Dims &dy = call.inputs[0].form.dims, &dx = call.outputs[0].form.dims;
  if (!lies_inside(*part, is_slice(call) ? dy : dx, is_slice(call) ? dx : dy)) return "dy does not fit";
  return std::nullopt;
}

Layouts choose_layouts(const KernelCall& call) {
  Layouts layouts = plain_layouts(call);
  layouts.inputs[0] = layouts.outputs[0] = call.inputs[0].form.layout;
  return layouts;
}

BoundStep bind_gradient(const KernelCall& call) {
  const Part part = part_of(call).value();
  const TensorForm& small = is_slice(call) ? call.inputs[0].form : call.outputs[0].form;
  const TensorForm& large = is_slice(call) ? call.outputs[0].form : call.inputs[0].form;
  Dims strides = memory_strides(large);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    offset += part.starts[i] * strides[i];
    strides[i] *= part.steps[i];
  }
  StridedCopy copy{.counts = small.dims,
                   .source_strides = is_slice(call) ? memory_strides(small) : strides,
                   .target_strides = is_slice(call) ? strides : memory_strides(small),
                   .source_offset = is_slice(call) ? 0 : offset,
                   .target_offset = is_slice(call) ? offset : 0};
  const bool has_elements = element_count(small.dims) > 0;
  return {.run = [copy = simplified(copy), has_elements, zeros = is_slice(call) ? byte_size(large) : 0,
                  dy = place_of(call.inputs[0]), dx = call.outputs[0].slot] {
    std::fill(dx->data, dx->data + zeros, std::byte{0});
    if (has_elements) run_copy(copy, dy->data, dx->data);
  }};
}

}  // namespace

Kernel slice_gradient_kernel() {
  Kernel kernel{.name = "slice_gradient",
                .op_types = {"edgeopt.SliceGradient", "edgeopt.PadGradient"},
                .decline = decline_gradient,
                .choose_layouts = choose_layouts,
                .bind = bind_gradient,
                .unread_inputs = {1}};
  const auto add = [&](const std::string& op, Dims y, Dims x, const std::vector<Dims>& parameters) {
    KernelCase wanted{.op_type = "edgeopt." + op,
                      .inputs = {{DataType::float32, std::move(y)}, {DataType::float32, std::move(x)}}};
    for (const Dims& each : parameters) {
      wanted.constants.emplace_back(wanted.inputs.size(), int64_tensor(each));
      wanted.inputs.emplace_back();
    }
    kernel.cases.push_back(std::move(wanted));
  };
  add("SliceGradient", {2, 17, 2, 3}, {2, 17, 4, 5}, {{0, 1}, {9, -1}, {2, 3}, {2, 1}});
  add("SliceGradient", {3}, {7}, {{-1}, {0}, {0}, {-2}});
  add("SliceGradient", {2, 3}, {5, 3}, {{-2}, {5}});
  add("SliceGradient", {0, 3}, {5, 3}, {{5}, {5}});
  add("PadGradient", {2, 19, 3, 5}, {2, 17, 3, 5}, {{0, 1, 0, 0, 0, 1, 0, 0}});
  add("PadGradient", {4, 9}, {2, 3}, {{1, 2, 1, 4}});
  return kernel;
}

}  // namespace edgeopt
