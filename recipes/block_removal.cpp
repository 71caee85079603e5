#include "recipes/block_removal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "passes/prune/graph_cost.h"
#include "passes/prune/residual_blocks.h"
#include "recipes/evaluation.h"
#include "support/error.h"

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
  const double cost = cost_of(graph, CostKind::latency, 1);
  for (const ResidualBlock& block : find_residual_blocks(graph)) {
    if (is_excluded(graph, block, excluded)) continue;
    Candidate candidate{.block = block, .graph = without_block(graph, block)};
    candidate.damage = damage_of(original, candidate.graph, samples);
    candidate.damage_per_saving = candidate.damage / (cost - cost_of(candidate.graph, CostKind::latency, 1));
    if (!best || candidate.damage_per_saving < best->damage_per_saving) best = std::move(candidate);
  }
  return best;
}

const ResidualBlock& block_named(const std::vector<ResidualBlock>& blocks, const Graph& graph,
                                 const std::string& name) {
  std::vector<std::string> names;
  for (const ResidualBlock& block : blocks) {
    if (block.name == name || graph.name_of(graph.node(block.add).outputs[0]) == name) return block;
    names.push_back(block.name);
  }
  throw UserError(fmt::format("there is no residual block '{}' to remove; there are {}", name,
                              names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

class Removal {
 public:
  Removal(const Graph& original, const SampleSource& samples)
      : original_(original), samples_(samples), result_{.graph = original} {}

  void remove(Candidate candidate) {
    result_.graph = std::move(candidate.graph);
    result_.removed.push_back({candidate.block.name, candidate.damage});
    // A block behind this one may have bridged to its result.
    std::ranges::replace(result_.bridged, original_.node(candidate.block.add).outputs[0],
                         candidate.block.skip);
    result_.bridged.push_back(candidate.block.skip);
  }

  void remove_named(const std::string& name) {
    const std::vector<ResidualBlock> blocks = find_residual_blocks(result_.graph);
    const ResidualBlock& block = block_named(blocks, result_.graph, name);
    Graph without = without_block(result_.graph, block);
    const double damage = damage_of(original_, without, samples_);
    remove({.block = block, .graph = std::move(without), .damage = damage});
  }

  bool remove_least_harmful(const std::vector<std::string>& excluded) {
    std::optional<Candidate> best = best_candidate(original_, result_.graph, samples_, excluded);
    if (best) remove(std::move(*best));
    return best.has_value();
  }

  BlockRemoval result() && { return std::move(result_); }

 private:
  const Graph& original_;
  const SampleSource& samples_;
  BlockRemoval result_;
};

}  // namespace

BlockRemoval remove_blocks(const Graph& graph, const SampleSource& samples, const BlockChoice& choice,
                           const Progress& progress) {
  const SampleSource few = slice_samples(samples, 0, std::min(samples.count, judged_sample_count));
  Removal removal(graph, few);
  for (const std::string& name : choice.names) removal.remove_named(name);
  for (std::int64_t i = 0; i < choice.count && removal.remove_least_harmful(choice.excluded); ++i)
    report_progress(progress, "removing residual blocks", i + 1, choice.count);
  return std::move(removal).result();
}

}  // namespace edgeopt
