#include "recipes/sparsify.h"

#include <fmt/format.h>

#include <algorithm>

#include "recipes/optimize.h"
#include "recipes/prune.h"

namespace edgeopt {
namespace {

[[noreturn]] void reject(const std::vector<DenseLayer>& left_alone) {
  constexpr std::size_t shown = 3;
  std::string reasons;
  for (std::size_t i = 0; i < std::min(shown, left_alone.size()); ++i)
    reasons += fmt::format("{}{} '{}': {}", reasons.empty() ? "" : "; ", left_alone[i].op_type,
                           left_alone[i].node, left_alone[i].reason);
  throw NothingToSparsify(
      "no layer can be made sparse: " +
      (reasons.empty() ? std::string("no layer has weights that are constant") : reasons));
}

}  // namespace

SparsifiedModel sparsify_model(const Graph& teacher, const Graph& student,
                               const std::optional<SampleSource>& samples, const SparsityOptions& options) {
  const SparseCandidates candidates = sparse_candidates(student, options.weights);
  if (candidates.layers.empty()) reject(candidates.left_alone);
  if (!samples) return {.sparse = with_sparse_weights(student, nullptr, options.weights)};
  const SampleSplit split = held_out(*samples);
  SparsifiedModel result{.sparse = with_sparse_weights(student, &split.calibration, options.weights)};
  result.caution = split.caution;
  result.before_repair =
      judge_models(teacher, result.sparse.unrepaired, split.judging, {.seed = options.seed});
  result.after_repair = judge_models(teacher, result.sparse.graph, split.judging, {.seed = options.seed});
  return result;
}

}  // namespace edgeopt
