// Moving a tensor between layouts.
#pragma once
#include "runtime/kernel.h"

namespace edgeopt {

/// Copies `from` to `to`, which differ in layout only.
BoundStep bind_reorder(const TensorForm& from, Slot* source, const TensorForm& to, Slot* target);

/// The same by loops over tiles, for any element type of whole bytes.
BoundStep bind_plain_reorder(const TensorForm& from, Slot* source, const TensorForm& to, Slot* target);

/// The constant (in plain layout) with its elements in `layout`; its dims stay those of ONNX.
Tensor reordered(const Tensor& plain, Layout layout);

}  // namespace edgeopt
