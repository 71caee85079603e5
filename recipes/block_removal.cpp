#include "recipes/block_removal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "passes/graph_cost.h"
#include "passes/residual_blocks.h"
#include "recipes/evaluation.h"

namespace edgeopt {
namespace {

// Samples per candidate: damages of whole blocks lie far apart, and only their order matters.
constexpr std::int64_t judged_sample_count = 256;

double damage_of(const Graph& original, const Graph& candidate, const SampleSource& samples) {
  const Evaluation evaluation = evaluate_model(candidate, samples, {.reference = &original});
  if (evaluation.divergence) return evaluation.divergence->value;
  double sum = 0;
  for (const OutputCloseness& output : evaluation.outputs) sum += std::pow(10.0, -output.sqnr_db.value / 10);
  return sum;
}

bool is_excluded(const Graph& graph, const ResidualBlock& block, const std::vector<std::string>& excluded) {
  const auto is_named = [&](NodeId id) {
    const Node& node = graph.node(id);
    return std::ranges::any_of(excluded, [&](const std::string& name) {
      return node.name == name || (node.has_output(0) && graph.name_of(node.outputs[0]) == name);
    });
  };
  return is_named(block.add) || std::ranges::any_of(block.branch, is_named);
}

struct Candidate {
  ResidualBlock block;
  Graph graph;
  double damage = 0;
  double damage_per_saving = std::numeric_limits<double>::infinity();
};

std::optional<Candidate> best_candidate(const Graph& original, const Graph& graph,
                                        const SampleSource& samples,
                                        const std::vector<std::string>& excluded) {
  std::optional<Candidate> best;
  const double cost = cost_of(graph, CostKind::multiply_adds, 1);
  for (const ResidualBlock& block : find_residual_blocks(graph)) {
    if (is_excluded(graph, block, excluded)) continue;
    Candidate candidate{.block = block, .graph = without_block(graph, block)};
    candidate.damage = damage_of(original, candidate.graph, samples);
    candidate.damage_per_saving =
        candidate.damage / (cost - cost_of(candidate.graph, CostKind::multiply_adds, 1));
    if (!best || candidate.damage_per_saving < best->damage_per_saving) best = std::move(candidate);
  }
  return best;
}

}  // namespace

BlockRemoval remove_blocks(const Graph& graph, const SampleSource& samples, std::int64_t count,
                           const std::vector<std::string>& excluded, const Progress& progress) {
  const SampleSource few = slice_samples(samples, 0, std::min(samples.count, judged_sample_count));
  BlockRemoval result{.graph = graph};
  while (std::ssize(result.removed) < count) {
    std::optional<Candidate> best = best_candidate(graph, result.graph, few, excluded);
    if (!best) break;
    result.graph = std::move(best->graph);
    result.removed.push_back({best->block.name, best->damage});
    // A block behind this one may have bridged to its result.
    std::ranges::replace(result.bridged, graph.node(best->block.add).outputs[0], best->block.skip);
    result.bridged.push_back(best->block.skip);
    report_progress(progress, "removing residual blocks", std::ssize(result.removed), count);
  }
  return result;
}

}  // namespace edgeopt
