// Zeros that pruning made, which training must leave alone.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/tensor.h"

namespace edgeopt {

/// One byte per element, 1: stays zero; empty: every element may move.
using HeldElements = std::vector<std::uint8_t>;

/// The zeros of a float weight: no training leaves a weight exactly 0, pruning does. A weight of nothing but
/// zeros is not pruned but not yet learned.
HeldElements held_zeros(const Tensor& weight);

/// The zeros of integers, where they are more than rounding explains: more than twice as many as there are
/// ones and minus ones, which no bell-shaped weight has that is rounded at less than three of its deviations.
HeldElements held_integer_zeros(const Tensor& integers);

}  // namespace edgeopt
