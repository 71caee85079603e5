// What the loss says about channels, to first and second order.
#pragma once
#include <span>
#include <vector>

#include "calibration/pruning/importance.h"

namespace edgeopt {

/// A score for each unit of each group. The loss needs no labels: for an output of shape [N, classes] the
/// negative log-likelihood of the class that the model itself names, for others the sum of squares.
///   taylor  sum over samples of (sum of gradient * weight over the unit's weights)^2
///   fisher  sum over samples of  sum of (gradient * weight)^2, half: the diagonal of the Hessian by the
///   empirical
///           Fisher matrix
/// throws  UserError naming a node without a gradient
/// source  Molchanov et al., "Importance Estimation for Neural Network Pruning", CVPR 2019, eq. 8; LeCun,
/// Denker,
///         Solla, "Optimal Brain Damage", NIPS 1989
std::vector<std::vector<double>> gradient_scores(const Graph& graph, std::span<const ChannelGroup> groups,
                                                 const SampleSource& samples,
                                                 const ImportanceOptions& options);

}  // namespace edgeopt
