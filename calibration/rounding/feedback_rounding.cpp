#include "calibration/rounding/feedback_rounding.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace edgeopt {
namespace {

// Of the mean of the diagonal: GPTQ's own `percdamp`.
constexpr double damping = 0.01;

// Four sums side by side, in an order that never changes.
double dot(const double* a, const double* b, std::int64_t count) {
  double sums[4] = {0, 0, 0, 0};
  std::int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (std::size_t k = 0; k < 4; ++k)
      sums[k] += a[i + static_cast<std::int64_t>(k)] * b[i + static_cast<std::int64_t>(k)];
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

std::vector<std::int64_t> by_diagonal(const std::vector<double>& products, std::int64_t columns) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(columns));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto diagonal = [&](std::int64_t i) { return products[static_cast<std::size_t>(i * columns + i)]; };
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) { return diagonal(a) > diagonal(b); });
  return order;
}

}  // namespace

HessianRoot::HessianRoot(const std::vector<double>& products, std::int64_t columns)
    : HessianRoot(products, by_diagonal(products, columns)) {}

HessianRoot::HessianRoot(const std::vector<double>& products, std::vector<std::int64_t> order)
    : columns_(std::ssize(order)), order_(std::move(order)), root_(products.size()) {
  const std::int64_t columns = columns_;
  const auto at = [columns](std::int64_t i, std::int64_t j) {
    return static_cast<std::size_t>(i * columns + j);
  };
  double sum = 0;
  for (std::int64_t i = 0; i < columns; ++i) sum += products[at(i, i)];
  // Without any input nothing is known, and every weight is as important as every other.
  const double added = sum > 0 ? damping * sum / static_cast<double>(columns) : 1;
  for (std::int64_t i = 0; i < columns; ++i)
    for (std::int64_t j = i; j < columns; ++j)
      root_[at(i, j)] =
          products[at(order_[static_cast<std::size_t>(i)], order_[static_cast<std::size_t>(j)])];
  for (std::int64_t i = 0; i < columns; ++i) root_[at(i, i)] += added;
  // From the last column to the first: R_ij = (H_ij - sum over k > j of R_ik R_jk) / R_jj.
  for (std::int64_t j = columns - 1; j >= 0; --j) {
    const double* tail = &root_[at(j, j)] + 1;
    const std::int64_t length = columns - 1 - j;
    const double diagonal = std::sqrt(root_[at(j, j)] - dot(tail, tail, length));
    root_[at(j, j)] = diagonal;
    for (std::int64_t i = 0; i < j; ++i)
      root_[at(i, j)] = (root_[at(i, j)] - dot(&root_[at(i, j)] + 1, tail, length)) / diagonal;
  }
}

double HessianRoot::round(std::span<const double> weights, std::span<const float> scales,
                          const QuantizationScheme& scheme, std::span<std::int32_t> integers) const {
  std::vector<double> carried(static_cast<std::size_t>(columns_), 0.0);
  double error = 0;
  for (std::int64_t i = 0; i < columns_; ++i) {
    const double* row = root_.data() + i * columns_;
    const auto column = static_cast<std::size_t>(order_[static_cast<std::size_t>(i)]);
    const auto step = static_cast<double>(scales[column]);
    const double moved = carried[static_cast<std::size_t>(i)];
    const double target = weights[column] + moved / row[i];
    const double nearest =
        std::clamp<double>(std::nearbyint(target / step), scheme.lowest(), scheme.highest());
    const double integer = weights[column] == 0 || std::isnan(nearest) ? 0 : nearest;
    integers[column] = static_cast<std::int32_t>(integer);
    const double difference = weights[column] - step * integer;
    const double term = row[i] * difference + moved;
    error += term * term;
    for (std::int64_t j = i + 1; j < columns_; ++j)
      carried[static_cast<std::size_t>(j)] += row[j] * difference;
  }
  return error;
}

}  // namespace edgeopt
