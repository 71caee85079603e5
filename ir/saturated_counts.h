// Counts of elements and operations of shapes that a file states: any dims at all, so that products saturate
// instead of overflowing.
#pragma once
#include "ir/shape.h"

namespace edgeopt {

/// The product of two counts, a, b >= 0; 2^60 if it is larger, so that a few of them may still be added.
std::int64_t saturated_product(std::int64_t a, std::int64_t b);
/// Elements of a shape where symbols and unknown dims count as 1; at most 2^60.
std::int64_t known_element_count(const Shape& shape);

}  // namespace edgeopt
