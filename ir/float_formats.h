// Floating-point formats narrower than 32 bits, all described by the same few numbers:
// value = (-1)^sign * 2^(exponent - bias) * (1 + mantissa / 2^mantissa_bits), subnormal where exponent = 0.
#pragma once
#include <cstdint>

#include "ir/data_type.h"

namespace edgeopt {

/// Which bit patterns are not finite numbers.
enum class NonFinite {
  ieee,           // the highest exponent: infinity (mantissa 0) and NaN (float16, bfloat16, float8e5m2)
  all_ones,       // NaN where exponent and mantissa are all ones; no infinity (float8e4m3fn)
  negative_zero,  // NaN is what would be -0; no infinity, no -0 (the fnuz types)
  none,           // every pattern is a number (float4e2m1)
};

struct FloatFormat {
  int exponent_bits = 0;
  int mantissa_bits = 0;
  int bias = 0;
  NonFinite non_finite = NonFinite::ieee;
};

/// The format of float16, bfloat16, the float8 types with a mantissa, and float4e2m1.
/// throws  InternalError for any other type
FloatFormat float_format(DataType type);

/// The number that the low bits of `bits` stand for.
double decode_float(const FloatFormat& format, std::uint32_t bits);
/// The bits of the nearest number (ties to even). Too large a value becomes the largest number if `saturate`,
/// else infinity, or NaN in a format without.
std::uint32_t encode_float(const FloatFormat& format, double value, bool saturate);

/// float8e8m0: 2^(bits - 127), 255 is NaN.
double decode_e8m0(std::uint32_t bits);
/// `round_mode` "up", "down" or "nearest" (ties up); the sign is dropped, out of range saturates.
std::uint32_t encode_e8m0(double value, char round_mode);

}  // namespace edgeopt
