// Weights set to zero in a pattern, so that what the layers compute changes as little as it can.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/layers/equation_limits.h"
#include "calibration/samples/samples.h"
#include "calibration/sparsity/sparsity_pattern.h"
#include "ir/graph.h"
#include "support/progress.h"

namespace edgeopt {

enum class SparsityCriterion {
  second_order,  // calibration/sparsity/feedback_sparsity.h, with repair
  wanda,         // |w| times the norm of its input, per output; no repair
  magnitude,     // |w|; no repair, no samples
};
std::vector<std::string_view> sparsity_criterion_names();
std::optional<SparsityCriterion> sparsity_criterion_named(std::string_view name);

struct SparsifyOptions {
  SparsityPattern pattern;
  SparsityCriterion criterion = SparsityCriterion::second_order;
  /// Nodes that stay dense, and nodes that do not although they would; by name or name of output.
  std::vector<std::string> excluded = {};
  std::vector<std::string> included = {};
  /// Shares of their own, by name of output; the pattern's for all others.
  std::map<std::string, double> shares = {};
  EquationLimits limits = {};
  Progress progress = {};
};

/// Errors are |wanted - computed| / |weights' part of what the dense layer computes| over the samples, for
/// the inputs that the layer gets behind the sparse layers before it.
struct SparseLayer {
  std::string node;
  std::string op_type;
  std::int64_t element_count = 0;
  std::int64_t zero_count = 0;
  std::optional<double> error_before;  // with the zeros and the weights as they were
  std::optional<double> error_after;
};

struct DenseLayer {
  std::string node;
  std::string op_type;
  std::int64_t element_count = 0;
  std::string reason;
};

struct SparseModel {
  Graph graph;
  Graph unrepaired;  // the same zeros, the weights as they were
  std::vector<SparseLayer> layers;
  std::vector<DenseLayer> left_alone;
};

/// The layers that would be made sparse, and those that would not, with the reason.
struct SparseCandidates {
  std::vector<NodeId> layers;
  std::vector<DenseLayer> left_alone;
};
/// throws  UserError naming an excluded or included node that is not there
SparseCandidates sparse_candidates(const Graph& model, const SparsifyOptions& options);

/// What part of its output's energy each candidate loses at each share, repaired, for the inputs that it gets
/// in the dense model: [layer][share]. Layers of too many features lose nothing that is known: empty.
std::vector<std::vector<double>> sparsity_damages(const Graph& model, const SampleSource& samples,
                                                  const SparsifyOptions& options,
                                                  const std::vector<double>& shares);

/// The model with zeros in Conv, Gemm and MatMul. Zeros that are there stay, and count.
///
/// Left alone: depthwise convolutions and layers that read the model's input (few weights, much harm; unless
/// they are included), weights that others read too, layers that the pattern does not fit.
/// samples  null only for magnitude
/// returns  the same bytes at any thread count
/// cost     one run of both models per layer and sample; a few matrices of features x features per layer
/// source   Frantar and Alistarh, "SparseGPT", ICML 2023; Sun et al., "A Simple and Effective Pruning
///          Approach for Large Language Models" (Wanda), ICLR 2024
SparseModel with_sparse_weights(const Graph& model, const SampleSource* samples,
                                const SparsifyOptions& options);

}  // namespace edgeopt
