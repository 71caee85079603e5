// An element at (.., i, ..) along `axis` has the scale at i (per axis), or at (.., i / block_size, ..)
// (blocks).
#include "ir/quantization/quantized_scale.h"

#include <fmt/format.h>

#include <cmath>

#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

std::vector<std::int64_t> block_indexes(const Dims& x, const Dims& scale, const ScaleLayout& layout) {
  const auto axis = static_cast<std::size_t>(normalize_axis(layout.axis, x.size()));
  Dims wanted = x;
  wanted[axis] = (x[axis] + layout.block_size - 1) / layout.block_size;
  if (scale != wanted)
    throw UserError(fmt::format("a scale of shape {} does not fit blocks of {} along axis {} of shape {}",
                                to_string(scale), layout.block_size, axis, to_string(x)));
  const AxisLines from = lines_along(scale, layout.axis);
  const AxisLines to = lines_along(x, layout.axis);
  std::vector<std::int64_t> indexes(static_cast<std::size_t>(element_count(x)));
  for (std::int64_t line = 0; line < to.count; ++line)
    for (std::int64_t j = 0; j < to.length; ++j)
      indexes[static_cast<std::size_t>(to.start(line) + j * to.step)] =
          from.start(line) + j / layout.block_size * from.step;
  return indexes;
}

}  // namespace

std::vector<std::int64_t> scale_indexes(const Dims& x, const Dims& scale, const ScaleLayout& layout) {
  if (layout.block_size > 0) return block_indexes(x, scale, layout);
  if (scale.size() <= 1 && element_count(scale) == 1)
    return std::vector<std::int64_t>(static_cast<std::size_t>(element_count(x)), 0);
  const auto axis = static_cast<std::size_t>(normalize_axis(layout.axis, x.size()));
  if (scale.size() != 1 || scale[0] != x[axis])
    throw UserError(fmt::format("a scale of shape {} does not fit axis {} of shape {}", to_string(scale),
                                axis, to_string(x)));
  Dims along_axis(x.size(), 1);
  along_axis[axis] = scale[0];
  return broadcast_indexes(along_axis, x);
}

std::vector<double> zero_points_like(const Tensor& scale, const Tensor& zero_point) {
  if (zero_point.element_count() != scale.element_count())
    throw UserError(fmt::format("{} zero points for {} scales; there must be one for each",
                                zero_point.element_count(), scale.element_count()));
  return to_doubles(zero_point);
}

IntegerLimits integer_limits(DataType dtype) {
  const int bits = bit_count(dtype);
  if (is_signed(dtype)) return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1};
  return {0, std::ldexp(1.0, bits) - 1};
}

}  // namespace edgeopt
