// Quantization as training sees it: floats that lie on the grid of the integers, and the gradients that pass
// through the rounding.
#pragma once
#include <cstdint>

#include "ir/attributes.h"

namespace edgeopt {

/// What the attributes of FakeQuantize and FakeQuantizeGradient say.
struct FakeQuantization {
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::int64_t axis = -1;      // one scale per index of this axis; -1: one for all
  float drop_probability = 0;  // of an element that stays as it is
};
/// throws  UserError if low >= high or the probability lies outside [0, 1]
FakeQuantization fake_quantization_of(const Attributes& attributes);

/// Uniform in [0, 1) with 24 bits: a function of the seed and of the element's place in row-major order
/// alone, so that it is the same in any layout and on any thread.
///
/// source  SplitMix64 as a counter: element i takes number i of the stream that begins at mix(seed). Steele,
///         Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014
[[gnu::always_inline]] inline std::uint64_t mixed_bits(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}
[[gnu::always_inline]] inline std::uint64_t drop_stream(std::int64_t seed) {
  return mixed_bits(static_cast<std::uint64_t>(seed) + 0x9E3779B97F4A7C15U);
}
[[gnu::always_inline]] inline float drop_number(std::uint64_t stream, std::uint64_t index) {
  const std::uint64_t bits = mixed_bits(stream + (index + 1) * 0x9E3779B97F4A7C15U);
  return static_cast<float>(static_cast<std::int32_t>(bits >> 40)) * 0x1.0p-24F;
}

}  // namespace edgeopt
