// Tensors whose elements are elements of other tensors, of every element type: strings and packed sub-byte
// ones included.
#pragma once
#include <span>
#include <vector>

#include "ir/tensor.h"

namespace edgeopt {

/// Element i of the result is element from[i] of `source`; -1 takes the only element of `fill` (zero if
/// empty).
Tensor take_elements(const Tensor& source, Dims dims, std::span<const std::int64_t> from,
                     const Tensor& fill = {});

/// Index i of axis a in the result is index indices[a][i] of `source` (numpy.ix_); -1 takes `fill`.
Tensor select_indices(const Tensor& source, const std::vector<std::vector<std::int64_t>>& indices,
                      const Tensor& fill = {});
/// 0, 1, ... for every axis of `dims`: what selects everything.
std::vector<std::vector<std::int64_t>> all_indices(std::span<const std::int64_t> dims);

/// Axis i of the result is axis permutation[i] of `source`.
Tensor transpose(const Tensor& source, std::span<const std::int64_t> permutation);

/// The tensors one behind the other along an axis. throws UserError if their types or other dims differ
Tensor concatenate(std::span<const Tensor> tensors, std::int64_t axis);

/// Elements between neighbours of each axis, row-major.
Dims strides_of(std::span<const std::int64_t> dims);

}  // namespace edgeopt
