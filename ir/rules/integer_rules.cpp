#include "ir/rules/integer_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/rules/call_inputs.h"
#include "ir/rules/op_rules.h"
#include "support/error.h"

namespace edgeopt {

Tensor optional_input(const EvaluateCall& call, std::size_t index) {
  return call.has_input(index) ? call.inputs[index] : Tensor();
}

std::vector<double> less_zero_point(const Tensor& tensor, const Tensor& zero_point, std::int64_t axis) {
  std::vector<double> elements = to_doubles(tensor);
  if (zero_point.dtype() == DataType::undefined) return elements;
  const std::vector<double> zeros = to_doubles(zero_point);
  const auto along = static_cast<std::size_t>(tensor.rank() == 0 ? 0 : normalize_axis(axis, tensor.rank()));
  const std::int64_t count = tensor.rank() == 0 ? 1 : tensor.dims()[along];
  if (zeros.size() != 1 && std::ssize(zeros) != count)
    throw UserError(fmt::format("{} zero points do not fit axis {} of shape {}", zeros.size(), axis,
                                to_string(tensor.dims())));
  const auto stride = static_cast<std::size_t>(tensor.rank() == 0 ? 1 : strides_of(tensor.dims())[along]);
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] -= zeros.size() == 1 ? zeros[0] : zeros[i / stride % zeros.size()];
  return elements;
}

Tensor quantized(const std::vector<double>& scaled, Dims dims, const Tensor& zero_point) {
  const DataType dtype = zero_point.dtype();
  const int bits = bit_count(dtype);
  if (!is_integer(dtype) || bits > 16)
    throw UserError(fmt::format("results cannot be quantized to {}", name_of(dtype)));
  const double lowest = is_signed(dtype) ? -std::ldexp(1, bits - 1) : 0;
  const double highest = std::ldexp(1, is_signed(dtype) ? bits - 1 : bits) - 1;
  const double zero = to_double(zero_point);
  std::vector<double> result(scaled.size());
  for (std::size_t i = 0; i < scaled.size(); ++i)
    result[i] = std::clamp(std::nearbyint(scaled[i]) + zero, lowest, highest);
  return from_doubles(dtype, std::move(dims), result);
}

}  // namespace edgeopt
