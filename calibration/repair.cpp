#include "calibration/repair.h"

#include <algorithm>
#include <optional>
#include <set>

#include "calibration/normal_equations.h"
#include "calibration/weighted_layer.h"
#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "runtime/engine.h"

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

bool have_same_shape(const Graph& graph, ValueId a, ValueId b) {
  return graph.type_of(a).shape && graph.type_of(a).shape == graph.type_of(b).shape;
}

// The layer's result, or that of the additions behind it which keep its shape.
ValueId target_of(const Graph& graph, const WeightedLayer& layer) {
  ValueId target = layer.output;
  while (const Node* add = graph.single_user(target)) {
    if (!add->is("Add") || !have_same_shape(graph, target, add->outputs[0])) break;
    const ValueId other = add->inputs[add->inputs[0] == target ? 1 : 0];
    if (other == target || (!graph.constant(other) && !have_same_shape(graph, target, other))) break;
    target = add->outputs[0];
    if (!graph.constant(other)) break;
  }
  return target;
}

Tensor difference(const Tensor& a, const Tensor& b) {
  Tensor result(DataType::float32, a.dims());
  const std::span<float> elements = result.mutable_data<float>();
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = a.data<float>()[i] - b.data<float>()[i];
  return result;
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
  void apply(const WeightedLayer& layer, const std::vector<Eigen::MatrixXd>& deltas);

  const Graph& teacher_;
  Graph student_;
  const RemovedIndexes& removed_;
  const std::vector<ValueId> bridged_;
  const SampleSource& samples_;
  const RepairOptions& options_;
};

std::vector<Folds> Repair::equations_of(const WeightedLayer& layer) const {
  const ValueId target = target_of(student_, layer);
  const std::vector<ValueId> inputs = required_inputs(student_);
  const Graph student = extract(student_, inputs, std::vector{layer.input, target});
  const Graph teacher = extract(teacher_, inputs, std::vector{target});
  SessionPool students(student), teachers(teacher);
  const RowOptions options{.sample_count = std::min(samples_.count, options_.largest_sample_count),
                           .positions_per_sample = options_.positions_per_sample};
  return accumulate(student_, layer, options, [&](std::int64_t sample, int worker) {
    const Tensors values = samples_.read(sample).inputs;
    const Tensors results = students.session(worker).run(values);
    const Tensor wanted = without_removed(teachers.session(worker).run(values)[0], target, removed_);
    return RowSource{results[0], difference(wanted, results[1])};
  });
}

void Repair::apply(const WeightedLayer& layer, const std::vector<Eigen::MatrixXd>& deltas) {
  Edit edit(student_);
  Tensor weight = *student_.constant(layer.weight);
  const std::optional<BiasPlace> place = bias_place_of(student_, layer);
  std::vector<float> shift;
  for (std::size_t g = 0; g < deltas.size(); ++g) {
    std::vector<double> weights = weights_of(layer, weight, static_cast<std::int64_t>(g));
    for (std::int64_t k = 0; k < layer.features; ++k)
      for (std::int64_t m = 0; m < layer.outputs; ++m)
        weights[static_cast<std::size_t>(k * layer.outputs + m)] += deltas[g](k, m);
    set_weights(layer, weights, static_cast<std::int64_t>(g), weight);
    for (std::int64_t m = 0; m < layer.outputs; ++m)
      shift.push_back(static_cast<float>(deltas[g](layer.features, m)));
  }
  // What others read, too, is left to them.
  const std::string& name = student_.name_of(layer.weight);
  if (student_.uses(layer.weight).size() == 1)
    edit.set_constant(layer.weight, weight);
  else
    edit.set_input(layer.node, 1, edit.add_constant(weight, name));
  if (place) {
    if (place->constant != ValueId::none) {
      const Tensor old = *student_.constant(place->constant);
      for (std::size_t m = 0; m < shift.size(); ++m) shift[m] += old.data<float>()[m];
    }
    const auto count = static_cast<std::int64_t>(shift.size());
    edit.set_input(place->node, place->input,
                   edit.add_constant(Tensor::of<float>({count}, shift), name + "_bias"));
  }
  student_ = edit.apply();
}

std::optional<RepairedLayer> Repair::repair(const WeightedLayer& layer) {
  if (layer.features > options_.most_features) return std::nullopt;
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
  apply(layer, deltas);
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
