// Rounding one weight after another, each making up for what the ones before it did to the output.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/quantization/quantization_scheme.h"

namespace edgeopt {

/// A square root of the damped Hessian: permuted so that the largest diagonal comes first, H = R R' with R
/// upper triangular.
class HessianRoot {
 public:
  /// products  X'X, [columns][columns]
  HessianRoot(const std::vector<double>& products, std::int64_t columns);
  /// In an order of one's own.
  HessianRoot(const std::vector<double>& products, std::vector<std::int64_t> order);

  /// The integers of one output's weights at these scales, one per column.
  ///
  /// In order, target_i = w_i + (sum over k < i of R_ki d_k) / R_ii with d_k = w_k - scale_k * q_k, and q_i
  /// is target_i rounded: what the error d'Hd = sum over i of (sum over k <= i of R_ki d_k)^2 asks for, term
  /// by term. A weight that is exactly 0 was made so by pruning, and stays. returns  d'Hd
  double round(std::span<const double> weights, std::span<const float> scales,
               const QuantizationScheme& scheme, std::span<std::int32_t> integers) const;

  /// Columns, the first to be decided first.
  const std::vector<std::int64_t>& order() const { return order_; }
  /// Row i of R, in that order; zeros left of the diagonal are not filled in.
  const double* row(std::int64_t i) const { return root_.data() + i * columns_; }

 private:
  std::int64_t columns_;
  std::vector<std::int64_t> order_;
  std::vector<double> root_;  // [columns][columns], upper triangle
};

}  // namespace edgeopt
