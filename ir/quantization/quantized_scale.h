// Which scale and zero point an element of a quantized tensor has: per tensor, per axis or per block.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// For each element of a tensor of dims `x` the index of its scale in a tensor of dims `scale`: one number
/// for all; one per index of `axis`; or (block_size > 0) one per `block_size` neighbours along `axis`. throws
/// UserError if the scale fits none of these
struct ScaleLayout {
  std::int64_t axis = 1;
  std::int64_t block_size = 0;
};
std::vector<std::int64_t> scale_indexes(const Dims& x, const Dims& scale, const ScaleLayout& layout);

/// The zero points as numbers. throws UserError unless there is one for each scale
std::vector<double> zero_points_like(const Tensor& scale, const Tensor& zero_point);

/// The smallest and largest integer of a type of at most 32 bits.
struct IntegerLimits {
  double low = 0;
  double high = 0;
};
IntegerLimits integer_limits(DataType dtype);

}  // namespace edgeopt
