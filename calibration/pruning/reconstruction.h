// How well the layers that read a channel can do without it: what is left of their error after the best
// update of the weights that remain.
#pragma once
#include <Eigen/Dense>
#include <cstdint>
#include <span>
#include <vector>

#include "calibration/layers/normal_equations.h"
#include "calibration/layers/weighted_layer.h"
#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

/// A layer with the matrices of its inputs (of the unpruned graph), by group.
struct LayerStatistics {
  WeightedLayer layer;
  std::vector<NormalMatrices> matrices;
};

/// The layers whose input channels the group's units are.
std::vector<const LayerStatistics*> readers_of(const ChannelGroup& group,
                                               std::span<const LayerStatistics> layers);

/// The order in which units go, with the share of their readers' output energy that is lost (summed over the
/// readers), and the readers' weights after so many of them went as `snapshots` (ascending) says.
struct Elimination {
  ChannelRanking ranking;
  /// [snapshot][reader][group], each [features + 1, outputs]; the last row is what the bias gains.
  std::vector<std::vector<std::vector<Eigen::MatrixXd>>> weights;
};

/// Greedy elimination, exact for each layer by itself: in every step the unit whose loss is smallest goes,
/// all remaining weights move to their new optimum, and the inverse follows.
///   loss of S = W_S' (H^-1_SS)^-1 W_S,   W -= H^-1_:S (H^-1_SS)^-1 W_S,   H^-1 -= H^-1_:S (H^-1_SS)^-1
///   H^-1_S:
/// source  Hassibi and Stork, "Optimal Brain Surgeon", NIPS 1992; for structures: Kurtic, Frantar, Alistarh,
///         "ZipLM", NeurIPS 2023, section 3.1
Elimination eliminate_units(const Graph& graph, const ChannelGroup& group,
                            std::span<const LayerStatistics* const> readers,
                            std::span<const std::int64_t> snapshots);

}  // namespace edgeopt
