#include "ir/rules/window_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.h"

namespace edgeopt {
namespace {

std::int64_t divide_down(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// SAME: as many windows as fit at every stride-th position; the odd pad goes to the end (UPPER) or the front.
void pad_to_same(WindowAxis& axis, bool upper) {
  axis.output = (axis.input + axis.stride - 1) / axis.stride;
  const std::int64_t total =
      std::max<std::int64_t>((axis.output - 1) * axis.stride + axis.reach() - axis.input, 0);
  axis.pad_begin = upper ? total / 2 : total - total / 2;
  axis.pad_end = total - axis.pad_begin;
}

void count_windows(WindowAxis& axis, bool ceil_mode) {
  const std::int64_t room = axis.input + axis.pad_begin + axis.pad_end - axis.reach();
  axis.output = (ceil_mode ? -divide_down(-room, axis.stride) : divide_down(room, axis.stride)) + 1;
  // A window must start inside the input or its front padding.
  if (ceil_mode && (axis.output - 1) * axis.stride >= axis.input + axis.pad_begin) --axis.output;
  if (axis.output < 0)
    throw UserError(fmt::format("a window of {} elements does not fit an input of {} with pads {} and {}",
                                axis.reach(), axis.input, axis.pad_begin, axis.pad_end));
}

// Larger numbers fit no tensor; their products would overflow.
constexpr std::int64_t largest_number = std::int64_t{1} << 31;

bool keeps_every_position(const WindowAxis& axis, const std::string& auto_pad) {
  if (axis.stride != 1) return false;
  return auto_pad.starts_with("SAME") || axis.pad_begin + axis.pad_end == axis.reach() - 1;
}

template <typename Of>
Dims collect(const Window& window, Of of) {
  Dims dims;
  for (const WindowAxis& axis : window) dims.push_back(of(axis));
  return dims;
}

void size_axis(WindowAxis& axis, const Attributes& attributes) {
  const std::string auto_pad = attributes.get_string("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER")
    pad_to_same(axis, auto_pad == "SAME_UPPER");
  else
    count_windows(axis, attributes.get_int("ceil_mode", 0) != 0);
}

}  // namespace

std::vector<std::int64_t> list_attribute(const Attributes& attributes, std::string_view name,
                                         std::size_t count, std::int64_t otherwise) {
  std::vector<std::int64_t> list = attributes.get_ints(name);
  if (list.empty()) list.assign(count, otherwise);
  if (list.size() != count)
    throw UserError(fmt::format("attribute '{}' has {} numbers, but needs {}", name, list.size(), count));
  return list;
}

Window unsized_window(const Attributes& attributes, std::span<const std::int64_t> kernel) {
  const std::size_t rank = kernel.size();
  const auto strides = list_attribute(attributes, "strides", rank, 1);
  const auto dilations = list_attribute(attributes, "dilations", rank, 1);
  const std::string auto_pad = attributes.get_string("auto_pad", "NOTSET");
  const auto pads = auto_pad == "NOTSET" ? list_attribute(attributes, "pads", 2 * rank, 0)
                                         : std::vector<std::int64_t>(2 * rank, 0);
  Window window(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    window[i] = {.kernel = kernel[i],
                 .stride = strides[i],
                 .dilation = dilations[i],
                 .pad_begin = pads[i],
                 .pad_end = pads[rank + i]};
    require_sensible(window[i]);
  }
  return window;
}

void require_sensible(const WindowAxis& axis) {
  for (const std::int64_t number : {axis.kernel, axis.stride, axis.dilation})
    if (number < 1 || number > largest_number)
      throw UserError(
          fmt::format("kernel size {}, stride {} and dilation {} must be at least 1 and at most {}",
                      axis.kernel, axis.stride, axis.dilation, largest_number));
  for (const std::int64_t pad : {axis.pad_begin, axis.pad_end})
    if (pad > largest_number || pad < -largest_number)
      throw UserError(fmt::format("a pad is {}, but must be at most {}", pad, largest_number));
}

Window window_of(const Attributes& attributes, std::span<const std::int64_t> input,
                 std::span<const std::int64_t> kernel) {
  if (input.size() != kernel.size())
    throw UserError(
        fmt::format("a kernel of {} dims does not fit {} spatial dims", kernel.size(), input.size()));
  Window window = unsized_window(attributes, kernel);
  for (std::size_t i = 0; i < window.size(); ++i) {
    window[i].input = input[i];
    size_axis(window[i], attributes);
  }
  return window;
}

Shape window_output_shape(const Attributes& attributes, std::span<const Dim> input,
                          std::span<const std::int64_t> kernel) {
  if (input.size() != kernel.size())
    throw UserError(
        fmt::format("a kernel of {} dims does not fit {} spatial dims", kernel.size(), input.size()));
  Window window = unsized_window(attributes, kernel);
  Shape shape;
  for (std::size_t i = 0; i < window.size(); ++i) {
    if (input[i].is_number()) {
      window[i].input = input[i].size;
      size_axis(window[i], attributes);
      shape.emplace_back(window[i].output);
    } else {
      const bool keeps = keeps_every_position(window[i], attributes.get_string("auto_pad", "NOTSET"));
      shape.push_back(keeps ? input[i] : Dim());
    }
  }
  return shape;
}

Dims input_dims(const Window& window) {
  return collect(window, [](const WindowAxis& a) { return a.input; });
}
Dims kernel_dims(const Window& window) {
  return collect(window, [](const WindowAxis& a) { return a.kernel; });
}
Dims output_dims(const Window& window) {
  return collect(window, [](const WindowAxis& a) { return a.output; });
}

}  // namespace edgeopt
