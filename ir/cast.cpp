// Cast: every element type to every other, by the table in ONNX's Cast.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "ir/float_formats.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {
namespace {

// Writes the low bits of each element, densely, low bits first.
Tensor packed(DataType dtype, Dims dims, const std::vector<std::uint32_t>& elements) {
  Tensor tensor(dtype, std::move(dims));
  const auto width = static_cast<std::size_t>(bit_count(dtype));
  const std::span<std::byte> bytes = tensor.mutable_bytes();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::uint32_t bits = elements[i] & ((1U << width) - 1);
    bytes[i * width / 8] |= static_cast<std::byte>((bits << i * width % 8) & 255U);
    if (width == 16) bytes[i * 2 + 1] = static_cast<std::byte>(bits >> 8);
  }
  return tensor;
}

bool is_native(DataType dtype) {
  return dtype == DataType::boolean || ((is_integer(dtype) || is_floating_point(dtype)) &&
                                        bit_count(dtype) >= 8 && !is_narrow_float(dtype));
}

template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>)
    return value != From{0};
  else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>)
    // The upper half of uint64 does not fit into int64.
    return std::is_same_v<To, std::uint64_t> && value >= From{9223372036854775808.0}
               ? static_cast<To>(to_int64(static_cast<double>(value / 2))) * 2
               : static_cast<To>(to_int64(static_cast<double>(value)));
  else
    return static_cast<To>(value);
}

template <typename From>
Tensor native_from(DataType dtype, Dims dims, std::span<const From> elements) {
  Tensor result(dtype, std::move(dims));
  visit_type(NativeTypes{}, dtype, [&]<typename To>() {
    const std::span<To> to = result.mutable_data<To>();
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = convert<To, From>(elements[i]);
  });
  return result;
}

Tensor narrow_floats(DataType dtype, Dims dims, const std::vector<double>& elements,
                     const CastOptions& options) {
  std::vector<std::uint32_t> bits;
  bits.reserve(elements.size());
  if (dtype == DataType::float8e8m0) {
    for (const double element : elements) bits.push_back(encode_e8m0(element, options.round_mode[0]));
  } else {
    const FloatFormat format = float_format(dtype);
    const bool saturate = bit_count(dtype) <= 8 && options.saturate;
    for (const double element : elements) bits.push_back(encode_float(format, element, saturate));
  }
  return packed(dtype, std::move(dims), bits);
}

Tensor packed_integers(DataType dtype, Dims dims, const std::vector<std::int64_t>& elements) {
  return packed(dtype, std::move(dims), {elements.begin(), elements.end()});
}

std::string to_text(double value, DataType dtype) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "INF" : "-INF";
  return dtype == DataType::float64 ? fmt::format("{}", value) : fmt::format("{}", static_cast<float>(value));
}

Tensor to_strings(const Tensor& tensor) {
  Tensor result(DataType::string, tensor.dims());
  const std::span<std::string> texts = result.mutable_strings();
  if (is_floating_point(tensor.dtype())) {
    const std::vector<double> elements = to_doubles(tensor);
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = to_text(elements[i], tensor.dtype());
  } else {
    const std::vector<std::int64_t> elements = to_int64s(tensor);
    for (std::size_t i = 0; i < texts.size(); ++i)
      texts[i] = tensor.dtype() == DataType::uint64
                     ? fmt::format("{}", static_cast<std::uint64_t>(elements[i]))
                     : fmt::format("{}", elements[i]);
  }
  return result;
}

Tensor from_strings(const Tensor& tensor, DataType to, const CastOptions& options) {
  std::vector<double> numbers;
  std::vector<std::int64_t> integers;
  for (const std::string& text : tensor.strings()) {
    char* end = nullptr;
    if (is_integer(to))
      integers.push_back(std::strtoll(text.c_str(), &end, 10));
    else
      numbers.push_back(std::strtod(text.c_str(), &end));
    if (end == text.c_str() || *end != '\0')
      throw UserError(fmt::format("Cast: the string '{}' is not a number of type {}", text, name_of(to)));
  }
  if (is_integer(to)) return from_int64s(to, tensor.dims(), integers);
  return cast(Tensor::of<double>(tensor.dims(), numbers), to, options);
}

void require_castable(DataType from, DataType to) {
  const auto is_castable = [](DataType type) {
    return is_floating_point(type) || is_integer(type) || type == DataType::boolean ||
           type == DataType::string;
  };
  if (!is_castable(from) || !is_castable(to))
    throw UserError(fmt::format("Cast from {} to {} is not defined", name_of(from), name_of(to)));
}

}  // namespace

Tensor from_doubles(DataType dtype, Dims dims, const std::vector<double>& elements) {
  if (is_narrow_float(dtype)) return narrow_floats(dtype, std::move(dims), elements, {});
  if (is_native(dtype)) return native_from<double>(dtype, std::move(dims), elements);
  require_castable(DataType::float64, dtype);
  std::vector<std::int64_t> integers;
  for (const double element : elements) integers.push_back(to_int64(element));
  return packed_integers(dtype, std::move(dims), integers);
}

Tensor from_int64s(DataType dtype, Dims dims, const std::vector<std::int64_t>& elements) {
  if (is_native(dtype)) return native_from<std::int64_t>(dtype, std::move(dims), elements);
  require_castable(DataType::int64, dtype);
  if (is_integer(dtype)) return packed_integers(dtype, std::move(dims), elements);
  return from_doubles(dtype, std::move(dims), {elements.begin(), elements.end()});
}

Tensor cast(const Tensor& tensor, DataType to) { return cast(tensor, to, {}); }

Tensor cast(const Tensor& tensor, DataType to, const CastOptions& options) {
  const DataType from = tensor.dtype();
  if (from == to) return tensor;
  require_castable(from, to);
  if (to == DataType::string) return to_strings(tensor);
  if (from == DataType::string) return from_strings(tensor, to, options);
  if (is_narrow_float(to)) return narrow_floats(to, tensor.dims(), to_doubles(tensor), options);
  if (is_floating_point(to) && !is_native(from)) return from_doubles(to, tensor.dims(), to_doubles(tensor));
  if (!is_native(from) || !is_native(to))
    return is_floating_point(from) ? from_doubles(to, tensor.dims(), to_doubles(tensor))
                                   : from_int64s(to, tensor.dims(), to_int64s(tensor));
  Tensor result;
  visit_type(NativeTypes{}, from,
             [&]<typename From>() { result = native_from<From>(to, tensor.dims(), tensor.data<From>()); });
  return result;
}

}  // namespace edgeopt
