// Narrow floats <-> double. Every value of these formats is exact in double, so rounding happens once, in
// encode_float.
#include "ir/float_formats.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr int e8m0_bias = 127;
constexpr std::uint32_t e8m0_nan = 255;

std::uint32_t highest_exponent(const FloatFormat& format) { return (1U << format.exponent_bits) - 1; }
std::uint32_t mantissa_mask(const FloatFormat& format) { return (1U << format.mantissa_bits) - 1; }
std::uint32_t sign_bit(const FloatFormat& format) {
  return 1U << (format.exponent_bits + format.mantissa_bits);
}

// The bits of the largest finite number.
std::uint32_t largest_bits(const FloatFormat& format) {
  const std::uint32_t all_ones = sign_bit(format) - 1;
  if (format.non_finite == NonFinite::ieee) return (highest_exponent(format) << format.mantissa_bits) - 1;
  return format.non_finite == NonFinite::all_ones ? all_ones - 1 : all_ones;
}

std::uint32_t nan_bits(const FloatFormat& format, std::uint32_t sign) {
  switch (format.non_finite) {
    case NonFinite::ieee:
      return sign | (highest_exponent(format) << format.mantissa_bits) | (1U << (format.mantissa_bits - 1));
    case NonFinite::all_ones:
      return sign | (sign_bit(format) - 1);
    case NonFinite::negative_zero:
      return sign_bit(format);
    case NonFinite::none:
      break;
  }
  // Without a NaN the nearest thing is what numpy's ml_dtypes writes: the sign bit alone.
  return sign_bit(format);
}

std::uint32_t overflow_bits(const FloatFormat& format, std::uint32_t sign, bool saturate) {
  if (saturate || format.non_finite == NonFinite::none) return sign | largest_bits(format);
  if (format.non_finite == NonFinite::ieee) return sign | (highest_exponent(format) << format.mantissa_bits);
  return nan_bits(format, sign);
}

// The magnitude's bits, rounded to nearest even; may exceed largest_bits.
std::uint32_t rounded_bits(const FloatFormat& format, double magnitude) {
  const int smallest_exponent = 1 - format.bias;
  const int exponent = std::max(std::ilogb(magnitude), smallest_exponent);
  const double in_steps = std::scalbn(magnitude, format.mantissa_bits - exponent);
  // Counted in steps of its binade a normal number is 2^mantissa_bits or more, so one is taken from the
  // exponent.
  const double steps = std::nearbyint(in_steps);
  return (static_cast<std::uint32_t>(exponent + format.bias - 1) << format.mantissa_bits) +
         static_cast<std::uint32_t>(steps);
}

}  // namespace

FloatFormat float_format(DataType type) {
  switch (type) {
    case DataType::float16:
      return {5, 10, 15, NonFinite::ieee};
    case DataType::bfloat16:
      return {8, 7, 127, NonFinite::ieee};
    case DataType::float8e4m3fn:
      return {4, 3, 7, NonFinite::all_ones};
    case DataType::float8e4m3fnuz:
      return {4, 3, 8, NonFinite::negative_zero};
    case DataType::float8e5m2:
      return {5, 2, 15, NonFinite::ieee};
    case DataType::float8e5m2fnuz:
      return {5, 2, 16, NonFinite::negative_zero};
    case DataType::float4e2m1:
      return {2, 1, 1, NonFinite::none};
    default:
      throw InternalError(name_of(type) + " is not a narrow floating-point type");
  }
}

double decode_float(const FloatFormat& format, std::uint32_t bits) {
  const double sign = (bits & sign_bit(format)) != 0 ? -1 : 1;
  const std::uint32_t exponent = (bits >> format.mantissa_bits) & highest_exponent(format);
  const std::uint32_t mantissa = bits & mantissa_mask(format);
  if (format.non_finite == NonFinite::negative_zero && bits == sign_bit(format)) return not_a_number;
  if (exponent == highest_exponent(format)) {
    if (format.non_finite == NonFinite::ieee) return mantissa == 0 ? sign * infinity : not_a_number;
    if (format.non_finite == NonFinite::all_ones && mantissa == mantissa_mask(format)) return not_a_number;
  }
  const double steps = exponent == 0 ? mantissa : mantissa + (1U << format.mantissa_bits);
  const int step_exponent = std::max<int>(static_cast<int>(exponent), 1) - format.bias - format.mantissa_bits;
  return sign * std::scalbn(steps, step_exponent);
}

std::uint32_t encode_float(const FloatFormat& format, double value, bool saturate) {
  const std::uint32_t sign = std::signbit(value) ? sign_bit(format) : 0;
  if (std::isnan(value)) return nan_bits(format, sign);
  if (std::isinf(value)) return overflow_bits(format, sign, saturate);
  const std::uint32_t bits = value == 0 ? 0 : rounded_bits(format, std::fabs(value));
  if (bits == 0) return format.non_finite == NonFinite::negative_zero ? 0 : sign;
  return bits > largest_bits(format) ? overflow_bits(format, sign, saturate) : sign | bits;
}

double decode_e8m0(std::uint32_t bits) {
  return bits == e8m0_nan ? not_a_number : std::scalbn(1.0, static_cast<int>(bits) - e8m0_bias);
}

std::uint32_t encode_e8m0(double value, char round_mode) {
  if (std::isnan(value)) return e8m0_nan;
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return 0;
  if (std::isinf(magnitude)) return e8m0_nan - 1;
  int exponent = std::ilogb(magnitude);
  const double fraction = std::scalbn(magnitude, -exponent);  // in [1, 2)
  if ((round_mode == 'u' && fraction > 1) || (round_mode == 'n' && fraction >= 1.5)) ++exponent;
  return static_cast<std::uint32_t>(std::clamp(exponent + e8m0_bias, 0, 254));
}

}  // namespace edgeopt
