#include "calibration/pruning/repair.h"

#include <algorithm>
#include <optional>
#include <set>

#include "calibration/layers/layer_equations.h"
#include "calibration/layers/normal_equations.h"
#include "calibration/layers/weighted_layer.h"

namespace edgeopt {
namespace {

// The layers that compute something else since the removal.
std::vector<WeightedLayer> touched_layers(const PrunedPair& pair) {
  const Graph& student = pair.student;
  std::set<ValueId> touched(pair.bridged.begin(), pair.bridged.end());
  for (const auto& [dim, indexes] : pair.removed) touched.insert(dim.value);
  std::vector<WeightedLayer> layers;
  for (const NodeId id : student.nodes()) {
    const Node& node = student.node(id);
    if (std::ranges::none_of(node.inputs, [&](ValueId input) { return touched.contains(input); })) continue;
    touched.insert(node.outputs.begin(), node.outputs.end());
    // A layer that only lost outputs computes the others as before.
    const bool input_is_touched = touched.contains(node.input(0));
    const std::optional<WeightedLayer> layer = weighted_layer_at(student, node);
    if (layer && input_is_touched) layers.push_back(*layer);
  }
  return layers;
}

class Repair {
 public:
  Repair(const PrunedPair& pair, const SampleSource& samples, const RepairOptions& options)
      : teacher_(pair.teacher),
        student_(pair.student),
        removed_(pair.removed),
        bridged_(pair.bridged),
        samples_(samples),
        options_(options) {}

  RepairedModel run();

 private:
  std::optional<RepairedLayer> repair(const WeightedLayer& layer);
  std::vector<Folds> equations_of(const WeightedLayer& layer) const;

  const Graph& teacher_;
  Graph student_;
  const RemovedIndexes& removed_;
  const std::vector<ValueId> bridged_;
  const SampleSource& samples_;
  const RepairOptions& options_;
};

std::vector<Folds> Repair::equations_of(const WeightedLayer& layer) const {
  const LayerPair pair{
      .teacher = teacher_, .student = student_, .expected = [&](const Tensor& t, ValueId id) {
        return without_removed(t, id, removed_);
      }};
  return layer_equations(pair, layer, samples_, options_.limits);
}

std::optional<RepairedLayer> Repair::repair(const WeightedLayer& layer) {
  if (layer.features > options_.limits.most_features) return std::nullopt;
  const bool has_bias = bias_place_of(student_, layer).has_value();
  std::vector<Eigen::MatrixXd> deltas;
  RepairedLayer result{.node = student_.name_of(layer.output)};
  for (const Folds& folds : equations_of(layer)) {
    deltas.push_back(best_update(folds, has_bias));
    for (const NormalMatrices& fold : folds) {
      if (fold.gram.size() == 0) continue;
      result.error_before += fold.square_sum;
      result.error_after += fold.error_of(deltas.back());
    }
  }
  const bool is_finite = std::ranges::all_of(deltas, [](const auto& delta) { return delta.allFinite(); });
  if (!is_finite || result.error_after > result.error_before) return std::nullopt;
  student_ = with_updated_layer(student_, layer, deltas);
  return result;
}

RepairedModel Repair::run() {
  RepairedModel result;
  const std::vector<WeightedLayer> layers = touched_layers({teacher_, student_, removed_, bridged_});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (const auto repaired = repair(layers[i])) result.layers.push_back(*repaired);
    report_progress(options_.progress, "repairing layers", static_cast<std::int64_t>(i) + 1,
                    std::ssize(layers));
  }
  result.graph = student_;
  return result;
}

}  // namespace

RepairedModel with_repaired_weights(const PrunedPair& pair, const SampleSource& samples,
                                    const RepairOptions& options) {
  return Repair(pair, samples, options).run();
}

}  // namespace edgeopt
