// Sixteen running sums whatever the instruction set, so that every machine adds in the same order.
#pragma once
#include <cstdint>

namespace edgeopt {

inline constexpr std::int64_t lanes = 16;

[[gnu::always_inline]] inline float total(const float* sums) {
  float result = 0;
  for (std::int64_t lane = 0; lane < lanes; ++lane) result += sums[lane];
  return result;
}

}  // namespace edgeopt
