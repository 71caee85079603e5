// Least squares over many rows in fixed memory: G = sum of x x', B = sum of x e', then delta = G^-1 B.
#pragma once
#include <Eigen/Dense>
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "calibration/layers/weighted_layer.h"
#include "ir/graph.h"

namespace edgeopt {

/// One group's matrices. The last feature is the constant 1.
struct NormalMatrices {
  std::int64_t row_count = 0;
  Eigen::MatrixXd gram;   // [features + 1, features + 1]
  Eigen::MatrixXd cross;  // [features + 1, outputs]
  double square_sum = 0;  // of the targets

  NormalMatrices& operator+=(const NormalMatrices& other);
  /// The summed squares that are left of the targets when `delta` is added to the weights.
  double error_of(const Eigen::MatrixXd& delta) const;
};
/// Sums over two halves of the samples, so that what one half says can be tried on the other.
using Folds = std::array<NormalMatrices, 2>;

struct RowOptions {
  std::int64_t sample_count = 0;
  std::int64_t positions_per_sample = 64;
};

/// What one sample gives: the layer's input, and the target of every output (empty: no cross products).
struct RowSource {
  Tensor input;
  Tensor target;
};

/// Accumulates the matrices of every group of the layer, in two folds.
///
/// read     called in parallel, with a sample's number and the worker
/// returns  the same bytes at any thread count
/// cost     a few matrices of (features + 1) x (features + 1 + outputs) floats per group, whatever the number
///          of samples
std::vector<Folds> accumulate(const Graph& graph, const WeightedLayer& layer, const RowOptions& options,
                              const std::function<RowSource(std::int64_t sample, int worker)>& read);

/// G + ridge * mean(diagonal of the features) on their diagonal; a thousandth of that on the constant's.
Eigen::MatrixXd with_ridge(const Eigen::MatrixXd& gram, double ridge);

/// The update of the weights, with the ridge (of a few powers of ten) that does best on the fold that did not
/// choose it: few samples pull back towards the weights that are there, many do not. `with_constant`: the
/// bias may move, too. source  cross-validation of the ridge: Golub, Heath, Wahba, Technometrics 1979,
/// section 1
Eigen::MatrixXd best_update(const Folds& folds, bool with_constant);

}  // namespace edgeopt
