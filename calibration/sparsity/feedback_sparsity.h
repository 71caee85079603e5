// Weights set to zero one column after another, the others making up for what that does to the output.
#pragma once
#include <Eigen/Dense>
#include <cstdint>

#include "calibration/sparsity/sparsity_mask.h"

namespace edgeopt {

/// Zeros that are there, and how many taps an input channel has.
struct GoneWeights {
  WeightMask mask;
  std::int64_t taps = 1;
};

struct SparseWeights {
  WeightMask mask;          // [features][outputs]
  Eigen::MatrixXd weights;  // zero where marked
};

/// Chooses what goes, block of columns after block of columns, by what its removal costs behind the decisions
/// so far, and lets the columns to come make up for it; then gives all that is left its exact optimum for the
/// choice, up to 1024 features.
///
/// weights   [features][outputs], what would be best without zeros
/// products  X'X, [features][features]
/// gone      what is zero already, and counts
/// source    Frantar and Alistarh, "SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot",
///           ICML 2023, algorithm 1: w^2 / [H^-1]_jj, blocks of 128 columns for unstructured weights, of M
///           for N:M; with H = R R' as in feedback_rounding.h, which saves the inverse: U = R^-1, so the
///           score is (w R_jj)^2. The exact optimum at the end is the normal equations of the weights that
///           are left.
SparseWeights sparsify_with_feedback(const Eigen::MatrixXd& weights, const Eigen::MatrixXd& products,
                                     const SparsityPattern& pattern, const GoneWeights& gone);

/// The weights of least (w-v)'H(w-v) that are zero where marked, H the damped products.
Eigen::MatrixXd best_masked_weights(const Eigen::MatrixXd& weights, const Eigen::MatrixXd& products,
                                    const WeightMask& mask);

/// Marked: what is exactly 0.
WeightMask zeros_of(const Eigen::MatrixXd& weights);

}  // namespace edgeopt
