// What Loop and Scan share: a body that runs again and again, and results gathered from its runs.
#pragma once
#include "ir/op.h"

namespace edgeopt {

/// The attribute "body". throws UserError if it is missing
const Graph& body_of(const Attributes& attributes);

/// Tensors of one shape as one tensor with a new axis. For none of them, an empty tensor of the type that
/// the body declares (unknown dims count as 0). throws UserError if shapes differ
Tensor stacked(const Tensors& slices, const ValueType& type, std::int64_t axis);

/// The type with a new axis of this size.
Operand stacked(const ValueType& type, const Dim& size, std::int64_t axis);

}  // namespace edgeopt
