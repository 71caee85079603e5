#include "ir/rules/multiply_matrices.h"

#include <fmt/format.h>

#include "ir/rules/op_rules.h"
#include "ir/saturated_counts.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

[[noreturn]] void reject(const Shape& a, const Shape& b) {
  throw UserError(
      fmt::format("matrices of shapes {} and {} cannot be multiplied", to_string(a), to_string(b)));
}

// The matrix of an operand with leading dims `own` that each entry of `batch` takes.
std::vector<std::int64_t> matrices_for(const Dims& batch, const Dims& own) {
  const auto count = static_cast<std::size_t>(element_count(batch));
  const Dims strides = strides_of(own);
  std::vector<std::int64_t> matrices(count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t back = 0; back < batch.size(); ++back) {
      const std::int64_t dim = batch[batch.size() - 1 - back];
      if (back < own.size() && own[own.size() - 1 - back] != 1)
        matrices[i] += rest % dim * strides[own.size() - 1 - back];
      rest /= dim;
    }
  }
  return matrices;
}

// y[j] += a[p] * b[p][j]
void multiply_row(const MatrixProduct& product, const double* a, const double* b, double* y) {
  for (std::int64_t p = 0; p < product.k; ++p)
    for (std::int64_t j = 0; j < product.n; ++j) y[j] += a[p] * b[p * product.n + j];
}

Shape leading(const Shape& shape) {
  return shape.size() <= 2 ? Shape() : Shape(shape.begin(), shape.end() - 2);
}

Shape product_shape(const Shape& a, const Shape& b) {
  if (a.empty() || b.empty()) reject(a, b);
  const Dim& left = a.back();
  const Dim& right = b.size() == 1 ? b[0] : b[b.size() - 2];
  if (left.is_number() && right.is_number() && left.size != right.size) reject(a, b);
  Shape shape = broadcast_shapes(leading(a), leading(b));
  if (a.size() > 1) shape.push_back(a[a.size() - 2]);
  if (b.size() > 1) shape.push_back(b.back());
  return shape;
}

}  // namespace

MatrixProduct matrix_product_of(const Dims& a, const Dims& b) {
  MatrixProduct product;
  product.output = *static_dims(product_shape(to_shape(a), to_shape(b)));
  const Dims a_batch = a.size() > 2 ? Dims(a.begin(), a.end() - 2) : Dims();
  const Dims b_batch = b.size() > 2 ? Dims(b.begin(), b.end() - 2) : Dims();
  product.batch = broadcast_dims(a_batch, b_batch);
  product.a_matrix = matrices_for(product.batch, a_batch);
  product.b_matrix = matrices_for(product.batch, b_batch);
  product.m = a.size() > 1 ? a[a.size() - 2] : 1;
  product.k = a.back();
  product.n = b.size() > 1 ? b.back() : 1;
  return product;
}

std::vector<double> multiply(const MatrixProduct& product, std::span<const double> a,
                             std::span<const double> b) {
  std::vector<double> y(static_cast<std::size_t>(element_count(product.output)));
  // One task per row of the result.
  parallel_for(std::ssize(product.a_matrix) * product.m, [&](std::int64_t task, int) {
    const std::int64_t row = task % product.m;
    const auto entry = static_cast<std::size_t>(task / product.m);
    multiply_row(product, a.data() + (product.a_matrix[entry] * product.m + row) * product.k,
                 b.data() + product.b_matrix[entry] * product.k * product.n, y.data() + task * product.n);
  });
  return y;
}

std::optional<Shape> multiplied_shape(const Operand& a, const Operand& b) {
  if (!a.has_shape() || !b.has_shape()) return std::nullopt;
  return product_shape(a.shape(), b.shape());
}

Cost matrix_product_cost(const Operand& a, const Operand& output) {
  if (!a.has_shape() || a.shape().empty()) return {};
  const Dim& length = a.shape().back();
  return {.multiply_adds =
              saturated_product(known_element_count(output), length.is_number() ? length.size : 1)};
}

}  // namespace edgeopt
