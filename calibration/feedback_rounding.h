// Rounding one weight after another, each making up for what the ones before it did to the output.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/quantization_scheme.h"

namespace edgeopt {

/// A square root of the damped Hessian: permuted so that the largest diagonal comes first, H = R R' with R
/// upper triangular.
class HessianRoot {
 public:
  /// products  X'X, [columns][columns]
  HessianRoot(std::vector<double> products, std::int64_t columns);

  /// The integers of one output's weights at this scale.
  ///
  /// In order, target_i = w_i + (sum over k < i of R_ki d_k) / R_ii with d_k = w_k - scale * q_k, and q_i is
  /// target_i rounded: what the error d'Hd = sum over i of (sum over k <= i of R_ki d_k)^2 asks for, term by
  /// term. returns  d'Hd
  double round(std::span<const double> weights, float scale, const QuantizationScheme& scheme,
               std::span<std::int32_t> integers) const;

 private:
  std::int64_t columns_;
  std::vector<std::int64_t> order_;
  std::vector<double> root_;  // [columns][columns], upper triangle
};

}  // namespace edgeopt
