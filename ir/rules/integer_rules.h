// What the integer operators share: zero points taken off, sums scaled, rounded half to even and saturated.
#pragma once
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// The input, or an empty Tensor of DataType::undefined if it is left out.
Tensor optional_input(const EvaluateCall& call, std::size_t index);

/// tensor - zero_point as doubles (exact); one zero point, or one per index of `axis`, or none.
std::vector<double> less_zero_point(const Tensor& tensor, const Tensor& zero_point, std::int64_t axis);

/// round(scaled) + zero_point, saturated to the type of the zero point.
Tensor quantized(const std::vector<double>& scaled, Dims dims, const Tensor& zero_point);

}  // namespace edgeopt
