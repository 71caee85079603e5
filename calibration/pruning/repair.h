// Closed-form repair after pruning: every layer behind a removed channel gets the weights with which it comes
// closest to what it computed before.
#pragma once
#include <string>
#include <vector>

#include "calibration/layers/equation_limits.h"
#include "calibration/samples/samples.h"
#include "ir/channels.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

struct RepairOptions {
  EquationLimits limits = {};
  Progress progress = {};
};

/// Squared distance from the target, summed over the equations.
struct RepairedLayer {
  std::string node;
  double error_before = 0;
  double error_after = 0;
};

struct RepairedModel {
  Graph graph;
  std::vector<RepairedLayer> layers;
};

/// A graph before and after removing channels and blocks: the same ids.
struct PrunedPair {
  const Graph& teacher;
  const Graph& student;
  const RemovedIndexes& removed;
  /// Values of the student that stand for the results of blocks that are gone.
  std::vector<ValueId> bridged = {};
};

/// Solves, in topological order, for each Conv, Gemm and MatMul that is touched by the removal or comes
/// behind:
///   min over D, d of  sum |t - s - D'x - d|^2 + ridge |D|^2,    weights += D, bias += d
/// with the ridge that cross-validation chooses for the layer (best_update).
/// x: the layer's input in the student, repaired up to here; s, t: its result in student and teacher before
/// the activation, after a residual addition where one follows (so that errors of the shortcut are made up
/// for, too).
///
/// returns  the same bytes at any thread count
/// source   He, Zhang, Sun, "Channel Pruning for Accelerating Very Deep Neural Networks", ICCV 2017,
/// sections 3.1
///          and 3.2 (residual branches); Luo, Wu, Lin, "ThiNet", ICCV 2017
RepairedModel with_repaired_weights(const PrunedPair& pair, const SampleSource& samples,
                                    const RepairOptions& options = {});

}  // namespace edgeopt
