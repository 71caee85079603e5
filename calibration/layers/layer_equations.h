// What a layer should compute, as equations of its weights, and the layer with the solution.
#pragma once
#include <Eigen/Dense>
#include <cstdint>
#include <functional>
#include <vector>

#include "calibration/layers/equation_limits.h"
#include "calibration/layers/normal_equations.h"
#include "calibration/layers/weighted_layer.h"
#include "calibration/samples/samples.h"
#include "ir/graph.h"

namespace edgeopt {

/// The layer's result, or that of the additions behind it which keep its shape: where errors show.
ValueId target_of(const Graph& graph, const WeightedLayer& layer);

/// A graph before and after a change; `expected` gives the teacher's target in the student's shape.
struct LayerPair {
  const Graph& teacher;
  const Graph& student;
  std::function<Tensor(const Tensor& target, ValueId value)> expected = {};  // empty: shapes are equal
};

/// sum |t - s - D'x - d|^2 over the samples: x is the layer's input in the student, t and s its targets.
std::vector<Folds> layer_equations(const LayerPair& pair, const WeightedLayer& layer,
                                   const SampleSource& samples, const EquationLimits& limits);

/// The graph with `deltas` (one per group, [features + 1, outputs]) added to weight and bias. A weight that
/// others read too is left to them; the last row counts only where there is a place for a bias.
Graph with_updated_layer(const Graph& graph, const WeightedLayer& layer,
                         const std::vector<Eigen::MatrixXd>& deltas);

}  // namespace edgeopt
