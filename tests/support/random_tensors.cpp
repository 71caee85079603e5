#include "tests/support/random_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/evaluate.h"
#include "support/random.h"

namespace edgeopt {
namespace {

constexpr std::int64_t open_dim_size = 2;
constexpr std::uint64_t integer_count = 3;  // 0, 1, 2: also fit to be indices into small tensors

Tensor random_tensor(const ValueType& type, RandomStream& stream) {
  Dims dims;
  for (const Dim& dim : type.shape.value_or(Shape{}))
    dims.push_back(dim.is_number() ? dim.size : open_dim_size);
  if (type.dtype == DataType::string) return Tensor(type.dtype, dims);
  Tensor numbers(DataType::float64, dims);
  for (double& number : numbers.mutable_data<double>())
    number =
        is_floating_point(type.dtype) ? stream.normal() : static_cast<double>(stream.below(integer_count));
  return cast(numbers, type.dtype);
}

double largest_magnitude(const std::vector<double>& numbers) {
  double largest = 0;
  for (const double number : numbers)
    if (std::isfinite(number)) largest = std::max(largest, std::abs(number));
  return largest;
}

bool is_close(double wanted, double got, double bound) {
  if (std::isnan(wanted) || std::isnan(got)) return std::isnan(wanted) && std::isnan(got);
  return wanted == got || std::abs(wanted - got) <= bound;
}

std::optional<std::string> tensor_difference(const Tensor& wanted, const Tensor& got, double tolerance) {
  if (wanted.dtype() != got.dtype() || wanted.dims() != got.dims())
    return fmt::format("{}{} against {}{}", name_of(wanted.dtype()), to_string(wanted.dims()),
                       name_of(got.dtype()), to_string(got.dims()));
  if (wanted == got) return std::nullopt;
  if (wanted.dtype() == DataType::string) return "other strings";
  const std::vector<double> left = to_doubles(wanted);
  const std::vector<double> right = to_doubles(got);
  const double bound = tolerance * largest_magnitude(left);
  for (std::size_t i = 0; i < left.size(); ++i)
    if (!is_close(left[i], right[i], bound))
      return fmt::format("element {} is {} against {}, allowed {}", i, left[i], right[i], bound);
  if (tolerance == 0) return "equal numbers of other bits";
  return std::nullopt;
}

}  // namespace

Tensors random_inputs(const Graph& graph, std::uint64_t seed) {
  Tensors inputs;
  for (const ValueId id : required_inputs(graph)) {
    RandomStream stream(seed, graph.name_of(id));
    inputs.push_back(random_tensor(graph.type_of(id), stream));
  }
  return inputs;
}

std::optional<std::string> difference_beyond(const Tensors& wanted, const Tensors& got, double tolerance) {
  if (wanted.size() != got.size()) return fmt::format("{} outputs against {}", wanted.size(), got.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (const auto difference = tensor_difference(wanted[i], got[i], tolerance))
      return fmt::format("output {}: {}", i, *difference);
  return std::nullopt;
}

}  // namespace edgeopt
