#include "ir/saturated_counts.h"

#include <algorithm>

namespace edgeopt {

std::int64_t saturated_product(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t largest_count = std::int64_t{1} << 60;
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? largest_count : std::min(product, largest_count);
}

std::int64_t known_element_count(const Shape& shape) {
  // A dim of 0 makes nothing of all others, however large.
  if (std::ranges::find(shape, Dim(0)) != shape.end()) return 0;
  std::int64_t count = 1;
  for (const Dim& dim : shape)
    if (dim.is_number()) count = saturated_product(count, dim.size);
  return count;
}

}  // namespace edgeopt
