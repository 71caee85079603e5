// The dims around operators that keep the elements and their order.
#pragma once
#include "ir/graph.h"

namespace edgeopt {

/// The dims that Reshape needs to make this shape out of any tensor that holds as many elements: numbers, and
/// -1 for at most one dim that is no number. Nothing if two are open, or a dim is 0 (which Reshape reads as
/// "copy").
std::optional<Dims> reshape_dims(const std::optional<Shape>& shape);

/// True if tensors of these two shapes, known to hold equally many elements, have the same dims: all but one
/// surely equal.
bool is_same_shape_given_count(const std::optional<Shape>& a, const std::optional<Shape>& b);

}  // namespace edgeopt
