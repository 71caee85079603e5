// Elements of any type, read as int64 or double. Packed types lie low bits first.
#include <fmt/format.h>

#include <cmath>

#include "ir/float_formats.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// The bits of each element of a type of 16 bits or less.
std::vector<std::uint32_t> element_bits(const Tensor& tensor) {
  const auto width = static_cast<std::size_t>(bit_count(tensor.dtype()));
  const std::span<const std::byte> bytes = tensor.bytes();
  std::vector<std::uint32_t> elements(static_cast<std::size_t>(tensor.element_count()));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::size_t bit = i * width;
    std::uint32_t element = std::to_integer<std::uint32_t>(bytes[bit / 8]);
    if (width == 16) element |= std::to_integer<std::uint32_t>(bytes[bit / 8 + 1]) << 8;
    elements[i] = (element >> bit % 8) & ((1U << width) - 1);
  }
  return elements;
}

bool is_packed_integer(DataType dtype) { return is_integer(dtype) && bit_count(dtype) < 8; }

template <typename To>
To sign_extended(std::uint32_t bits, int width) {
  const bool is_negative = (bits >> (width - 1) & 1U) != 0;
  return static_cast<To>(static_cast<int>(bits) - (is_negative ? 1 << width : 0));
}

double decoded(DataType dtype, const FloatFormat& format, std::uint32_t bits) {
  return dtype == DataType::float8e8m0 ? decode_e8m0(bits) : decode_float(format, bits);
}

template <typename To>
To converted(double value) {
  if constexpr (std::is_same_v<To, double>)
    return value;
  else
    return to_int64(value);
}

template <typename To>
std::vector<To> narrow_elements(const Tensor& tensor) {
  const DataType dtype = tensor.dtype();
  const FloatFormat format =
      is_packed_integer(dtype) || dtype == DataType::float8e8m0 ? FloatFormat{} : float_format(dtype);
  std::vector<To> elements;
  elements.reserve(static_cast<std::size_t>(tensor.element_count()));
  for (const std::uint32_t bits : element_bits(tensor)) {
    if (!is_packed_integer(dtype))
      elements.push_back(converted<To>(decoded(dtype, format, bits)));
    else
      elements.push_back(is_signed(dtype) ? sign_extended<To>(bits, bit_count(dtype))
                                          : static_cast<To>(bits));
  }
  return elements;
}

template <typename To>
std::vector<To> elements_as(const Tensor& tensor) {
  const DataType dtype = tensor.dtype();
  if (!is_floating_point(dtype) && !is_integer(dtype) && dtype != DataType::boolean)
    throw InternalError(fmt::format("elements of {} cannot be read as numbers", name_of(dtype)));
  if (is_narrow_float(dtype) || is_packed_integer(dtype)) return narrow_elements<To>(tensor);
  std::vector<To> result;
  visit_type(NativeTypes{}, dtype, [&]<typename T>() {
    for (const T element : tensor.data<T>())
      if constexpr (std::is_floating_point_v<T>)
        result.push_back(converted<To>(static_cast<double>(element)));
      else
        result.push_back(static_cast<To>(element));
  });
  return result;
}

}  // namespace

std::int64_t to_int64(double value) {
  constexpr double two_to_63 = 9223372036854775808.0;
  if (std::isnan(value)) return 0;
  if (value >= two_to_63) return std::numeric_limits<std::int64_t>::max();
  if (value < -two_to_63) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

std::vector<std::int64_t> to_int64s(const Tensor& tensor) { return elements_as<std::int64_t>(tensor); }

std::vector<double> to_doubles(const Tensor& tensor) { return elements_as<double>(tensor); }

double to_double(const Tensor& tensor) {
  if (tensor.element_count() != 1)
    throw UserError(fmt::format("one element expected, shape {} found", to_string(tensor.dims())));
  return to_doubles(tensor)[0];
}

}  // namespace edgeopt
