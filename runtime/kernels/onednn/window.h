// The window of a convolution or pooling: strides, dilations and paddings per spatial dim, from the
// attributes.
#pragma once
#include "runtime/kernel.h"

namespace edgeopt {

struct Window {
  Dims kernel, strides, dilations, pads_begin, pads_end;
  bool has_padding() const;
};

/// `input` and `output` are dims with batch and channels, `kernel` the spatial dims of the window. Where the
/// output is larger than the declared padding allows (ceil_mode, auto_pad), the padding at the end grows.
Window window_of(const Node& node, const Dims& input, const Dims& output, Dims kernel);

}  // namespace edgeopt
