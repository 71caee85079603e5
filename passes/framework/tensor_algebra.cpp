#include "passes/framework/tensor_algebra.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace edgeopt {
namespace {

std::int64_t product(std::span<const std::int64_t> dims) {
  std::int64_t result = 1;
  for (const std::int64_t dim : dims) result *= dim;
  return result;
}

// Row-major strides of `dims` seen as `result`; 0 along broadcast axes.
std::vector<std::int64_t> broadcast_strides(const Dims& dims, const Dims& result) {
  std::vector<std::int64_t> strides(result.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::size_t axis = dims.size() - 1 - i;
    if (dims[axis] != 1) strides[result.size() - 1 - i] = stride;
    stride *= dims[axis];
  }
  return strides;
}

template <typename Combine>
Tensor combine(const Tensor& a, const Tensor& b, Combine combine_elements) {
  Tensor result(DataType::float64, broadcast_dims(a.dims(), b.dims()));
  const std::vector<std::int64_t> a_strides = broadcast_strides(a.dims(), result.dims());
  const std::vector<std::int64_t> b_strides = broadcast_strides(b.dims(), result.dims());
  const std::span<const double> left = a.data<double>();
  const std::span<const double> right = b.data<double>();
  Dims index(result.rank(), 0);
  std::int64_t i = 0;
  std::int64_t j = 0;
  for (double& element : result.mutable_data<double>()) {
    element = combine_elements(left[static_cast<std::size_t>(i)], right[static_cast<std::size_t>(j)]);
    for (std::size_t axis = index.size(); axis-- > 0;) {
      i += a_strides[axis];
      j += b_strides[axis];
      if (++index[axis] < result.dims()[axis]) break;
      i -= a_strides[axis] * index[axis];
      j -= b_strides[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return result;
}

}  // namespace

bool has_algebra(const Tensor& tensor) {
  return tensor.dtype() == DataType::float32 || tensor.dtype() == DataType::float64;
}

Tensor in_double(const Tensor& tensor) {
  if (!has_algebra(tensor)) throw InternalError("algebra on a tensor that is neither float nor double");
  return Tensor::of<double>(tensor.dims(), to_doubles(tensor));
}

Tensor rounded_to(DataType dtype, const Tensor& tensor) {
  if (dtype == DataType::float64) return tensor;
  if (dtype != DataType::float32) throw InternalError("a result that is neither float nor double");
  const std::span<const double> elements = tensor.data<double>();
  return Tensor::of<float>(tensor.dims(), std::vector<float>(elements.begin(), elements.end()));
}

Tensor operator+(const Tensor& a, const Tensor& b) {
  return combine(a, b, [](double x, double y) { return x + y; });
}
Tensor operator-(const Tensor& a, const Tensor& b) {
  return combine(a, b, [](double x, double y) { return x - y; });
}
Tensor operator*(const Tensor& a, const Tensor& b) {
  return combine(a, b, [](double x, double y) { return x * y; });
}
Tensor operator/(const Tensor& a, const Tensor& b) {
  return combine(a, b, [](double x, double y) { return x / y; });
}

Tensor inverse_sqrt(const Tensor& tensor, double epsilon) {
  Tensor result = tensor;
  for (double& element : result.mutable_data<double>()) element = 1.0 / std::sqrt(element + epsilon);
  return result;
}

Tensor along_axis(const Tensor& vector, std::size_t rank, std::size_t axis) {
  Dims dims(rank, 1);
  dims.at(axis) = vector.element_count();
  return vector.reshaped(std::move(dims));
}

Tensor filled(std::int64_t count, double element) {
  return Tensor::of<double>({count}, std::vector<double>(static_cast<std::size_t>(count), element));
}

Tensor sum_behind(const Tensor& tensor, std::size_t kept) {
  Tensor result(DataType::float64,
                Dims(tensor.dims().begin(), tensor.dims().begin() + static_cast<std::ptrdiff_t>(kept)));
  const std::span<const double> elements = tensor.data<double>();
  const std::span<double> sums = result.mutable_data<double>();
  const std::size_t width = sums.empty() ? 0 : elements.size() / sums.size();
  for (std::size_t i = 0; i < sums.size(); ++i)
    for (std::size_t k = 0; k < width; ++k) sums[i] += elements[i * width + k];
  return result;
}

Tensor transposed(const Tensor& matrix) {
  Dims dims = matrix.dims();
  if (dims.size() < 2) throw InternalError("a transposed tensor has two axes at least");
  const std::int64_t rows = dims[dims.size() - 2];
  const std::int64_t columns = dims.back();
  const std::int64_t batch_count = product(std::span(dims).first(dims.size() - 2));
  std::swap(dims[dims.size() - 2], dims.back());
  Tensor result(matrix.dtype(), dims);
  if (matrix.is_empty()) return result;
  const auto width = static_cast<std::int64_t>(matrix.bytes().size()) / matrix.element_count();
  const std::byte* source = matrix.bytes().data();
  std::byte* target = result.mutable_bytes().data();
  for (std::int64_t batch = 0; batch < batch_count; ++batch)
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t column = 0; column < columns; ++column)
        std::copy_n(source + ((batch * rows + row) * columns + column) * width, width,
                    target + ((batch * columns + column) * rows + row) * width);
  return result;
}

}  // namespace edgeopt
