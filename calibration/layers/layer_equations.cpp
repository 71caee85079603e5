#include "calibration/layers/layer_equations.h"

#include <algorithm>
#include <optional>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "runtime/engine.h"

namespace edgeopt {
namespace {

bool have_same_shape(const Graph& graph, ValueId a, ValueId b) {
  return graph.type_of(a).shape && graph.type_of(a).shape == graph.type_of(b).shape;
}

Tensor difference(const Tensor& a, const Tensor& b) {
  Tensor result(DataType::float32, a.dims());
  const std::span<float> elements = result.mutable_data<float>();
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = a.data<float>()[i] - b.data<float>()[i];
  return result;
}

}  // namespace

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

std::vector<Folds> layer_equations(const LayerPair& pair, const WeightedLayer& layer,
                                   const SampleSource& samples, const EquationLimits& limits) {
  const ValueId target = target_of(pair.student, layer);
  const std::vector<ValueId> inputs = required_inputs(pair.student);
  SessionPool students(extract(pair.student, inputs, std::vector{layer.input, target}));
  SessionPool teachers(extract(pair.teacher, inputs, std::vector{target}));
  const RowOptions rows{.sample_count = std::min(samples.count, limits.largest_sample_count),
                        .positions_per_sample = limits.positions_per_sample};
  return accumulate(pair.student, layer, rows, [&](std::int64_t sample, int worker) {
    const Tensors values = samples.read(sample).inputs;
    const Tensors results = students.session(worker).run(values);
    const Tensor wanted = teachers.session(worker).run(values)[0];
    return RowSource{results[0],
                     difference(pair.expected ? pair.expected(wanted, target) : wanted, results[1])};
  });
}

Graph with_updated_layer(const Graph& graph, const WeightedLayer& layer,
                         const std::vector<Eigen::MatrixXd>& deltas) {
  Edit edit(graph);
  Tensor weight = *graph.constant(layer.weight);
  const std::optional<BiasPlace> place = bias_place_of(graph, layer);
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
  const std::string& name = graph.name_of(layer.weight);
  if (graph.uses(layer.weight).size() == 1)
    edit.set_constant(layer.weight, weight);
  else
    edit.set_input(layer.node, 1, edit.add_constant(weight, name));
  if (place) {
    if (place->constant != ValueId::none) {
      const Tensor old = *graph.constant(place->constant);
      for (std::size_t m = 0; m < shift.size(); ++m) shift[m] += old.data<float>()[m];
    }
    const auto count = static_cast<std::int64_t>(shift.size());
    edit.set_input(place->node, place->input,
                   edit.add_constant(Tensor::of<float>({count}, shift), name + "_bias"));
  }
  return edit.apply();
}

}  // namespace edgeopt
