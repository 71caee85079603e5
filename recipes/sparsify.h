// Sparse weights as a recipe: zeros in a pattern, repaired, judged. What `--sparsity` of `edgeopt prune` and
// `optimize` runs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibration/samples/samples.h"
#include "calibration/sparsity/sparsification.h"
#include "ir/graph.h"
#include "recipes/judging.h"
#include "support/error.h"

namespace edgeopt {

/// No layer of the model can be made sparse; the message gives the reasons.
class NothingToSparsify : public UserError {
 public:
  using UserError::UserError;
};

struct SparsityOptions {
  SparsifyOptions weights;
  /// Shares of their own for the layers, so that the sum of what they lose is least and the whole has the
  /// pattern's share; not for N:M, nor without second order.
  bool balances = true;
  std::uint64_t seed = 1;
};

struct SparsityFacts {
  SparsityPattern pattern;
  std::vector<SparseLayer> layers;
  std::vector<DenseLayer> left_alone;
  // Against the teacher, on samples that nothing was repaired on where there are enough; else `caution` says
  // so.
  std::optional<Judgement> before_repair, after_repair;
  std::string caution;

  /// Zeros among the weights of all layers, those that stay dense included.
  double zero_share() const;
};

struct SparsifiedModel {
  Graph graph;
  SparsityFacts facts;
};

/// A fused model with zeros in its weights.
///
/// student  what becomes sparse: the teacher itself, or what is left of it after channels went
/// samples  real samples; without them only magnitude can choose, and nothing is repaired or judged
/// returns  the same bytes for the same inputs and options, at any thread count
/// throws   NothingToSparsify
SparsifiedModel sparsify_model(const Graph& teacher, const Graph& student,
                               const std::optional<SampleSource>& samples, const SparsityOptions& options);

}  // namespace edgeopt
