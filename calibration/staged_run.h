// Runs a graph in pieces over many samples: each call computes one value for all samples from what was kept
// of the calls before, so that the graph may change behind the piece just run. Kept values are the integers
// between Q and DQ.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "calibration/samples/samples.h"
#include "ir/graph.h"

namespace edgeopt {

/// How many samples' kept values fit into so much memory; at least 1.
std::int64_t affordable_sample_count(const Graph& graph, std::int64_t largest_memory_bytes);

class StagedRun {
 public:
  StagedRun(const SampleSource& samples, std::int64_t sample_count)
      : samples_(samples), sample_count_(sample_count) {}

  /// Computes `target` (or reads it, if it is an input) for every sample; visit(i, tensor) is called in
  /// parallel. Everything before the node that computes `target` is then done and will not be computed again;
  /// that node itself will be (it may change).
  void compute(const Graph& graph, ValueId target,
               const std::function<void(std::int64_t, const Tensor&)>& visit);

  /// Computes `targets` of a variant of the graph for every sample, from what is kept: the variant shares
  /// with the graph everything that is done. Nothing is done by it; visit(i, tensors) is called in parallel.
  void look_ahead(const Graph& variant, std::span<const ValueId> targets,
                  const std::function<void(std::int64_t, const Tensors&)>& visit) const;

 private:
  struct Piece {
    std::set<NodeId> nodes;
    std::vector<ValueId> inputs;  // kept values and graph inputs that the piece reads
    std::vector<ValueId> kept;    // values that later pieces need
  };
  Piece piece_for(const Graph& graph, ValueId target) const;
  void collect(const Graph& graph, ValueId value, Piece& piece) const;
  bool is_needed_later(const Graph& graph, ValueId value, const std::set<NodeId>& done) const;
  Tensors inputs_of(const Graph& graph, const Piece& piece, std::int64_t sample) const;

  const SampleSource& samples_;
  std::int64_t sample_count_;
  std::set<NodeId> done_;
  std::map<ValueId, Tensors> kept_;  // by sample
};

}  // namespace edgeopt
