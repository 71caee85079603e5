// Sliding windows of convolutions and poolings: pads, strides, dilations, and which inputs a window sees.
//   output = (input + pads - ((kernel - 1) * dilation + 1)) / stride + 1, rounded down (or up: ceil_mode)
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "ir/attributes.h"
#include "ir/shape.h"

namespace edgeopt {

/// The window along one spatial axis.
struct WindowAxis {
  std::int64_t input = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_begin = 0;
  std::int64_t pad_end = 0;
  std::int64_t output = 0;

  /// Input elements from the first to the last tap of a window.
  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
  /// The input position that tap `k` of window `o` reads; outside [0, input) it is padding.
  std::int64_t position(std::int64_t o, std::int64_t k) const {
    return o * stride + k * dilation - pad_begin;
  }
};
using Window = std::vector<WindowAxis>;

/// The attribute as a list of so many numbers; all `otherwise` if it is missing. throws UserError if it has
/// another count
std::vector<std::int64_t> list_attribute(const Attributes& attributes, std::string_view name,
                                         std::size_t count, std::int64_t otherwise);

/// Kernel, strides, dilations and pads; sizes stay open, and pads do where auto_pad will say them.
Window unsized_window(const Attributes& attributes, std::span<const std::int64_t> kernel);

/// The window that the attributes strides, dilations, pads, auto_pad and ceil_mode describe.
/// throws  UserError if they contradict each other or no window fits
Window window_of(const Attributes& attributes, std::span<const std::int64_t> input,
                 std::span<const std::int64_t> kernel);

/// The spatial dims that result; a symbol stays where every position keeps one window.
Shape window_output_shape(const Attributes& attributes, std::span<const Dim> input,
                          std::span<const std::int64_t> kernel);

/// throws UserError if a number of the window is below 1 or so large that sizes would overflow
void require_sensible(const WindowAxis& axis);

Dims input_dims(const Window& window);
Dims kernel_dims(const Window& window);
Dims output_dims(const Window& window);

/// Calls visit(index) for every index below `dims`, last axis fastest.
template <typename Visit>
void for_each_index(std::span<const std::int64_t> dims, Visit&& visit) {
  for (const std::int64_t dim : dims)
    if (dim == 0) return;
  std::vector<std::int64_t> index(dims.size(), 0);
  while (true) {
    visit(std::span<const std::int64_t>(index));
    std::size_t axis = dims.size();
    while (axis > 0 && ++index[axis - 1] == dims[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

/// Calls visit(offset) with the offset in the input plane of every tap of window `o` that is not padding.
template <typename Visit>
void for_each_tap(const Window& window, std::span<const std::int64_t> o, Visit&& visit) {
  for_each_index(kernel_dims(window), [&](std::span<const std::int64_t> k) {
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < window.size(); ++axis) {
      const std::int64_t position = window[axis].position(o[axis], k[axis]);
      if (position < 0 || position >= window[axis].input) return;
      offset = offset * window[axis].input + position;
    }
    visit(offset);
  });
}

}  // namespace edgeopt
