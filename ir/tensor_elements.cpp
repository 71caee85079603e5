// Elements of any type, read as int64 or double.
#include <fmt/format.h>

#include "ir/tensor.h"
#include "support/error.h"

namespace edgeopt {
namespace {

template <typename To, typename From>
std::vector<To> convert(const Tensor& tensor) {
  const std::span<const From> elements = tensor.data<From>();
  return {elements.begin(), elements.end()};
}

template <typename To>
std::vector<To> elements_as(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DataType::float32: return convert<To, float>(tensor);
    case DataType::float64: return convert<To, double>(tensor);
    case DataType::int8: return convert<To, std::int8_t>(tensor);
    case DataType::uint8: return convert<To, std::uint8_t>(tensor);
    case DataType::int16: return convert<To, std::int16_t>(tensor);
    case DataType::uint16: return convert<To, std::uint16_t>(tensor);
    case DataType::int32: return convert<To, std::int32_t>(tensor);
    case DataType::uint32: return convert<To, std::uint32_t>(tensor);
    case DataType::int64: return convert<To, std::int64_t>(tensor);
    case DataType::uint64: return convert<To, std::uint64_t>(tensor);
    case DataType::boolean: return convert<To, bool>(tensor);
    default: throw InternalError(fmt::format("elements of {} cannot be read as numbers", name_of(tensor.dtype())));
  }
}

}  // namespace

std::vector<std::int64_t> to_int64s(const Tensor& tensor) { return elements_as<std::int64_t>(tensor); }

std::vector<double> to_doubles(const Tensor& tensor) { return elements_as<double>(tensor); }

double to_double(const Tensor& tensor) {
  if (tensor.element_count() != 1)
    throw InternalError(fmt::format("one element expected, shape {} found", to_string(tensor.dims())));
  return to_doubles(tensor)[0];
}

}  // namespace edgeopt
