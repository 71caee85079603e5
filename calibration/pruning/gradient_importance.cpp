#include "calibration/pruning/gradient_importance.h"

#include <algorithm>

#include "calibration/channel_means.h"
#include "calibration/class_scores.h"
#include "calibration/pruning/reconstruction_ranking.h"
#include "ir/edit.h"
#include "ir/gradient/gradient.h"
#include "ir/rules/move_elements.h"
#include "runtime/engine.h"

namespace edgeopt {
namespace {

ValueId loss_of(Edit& edit, const Graph& graph, ValueId value) {
  const Attributes whole = {{"keepdims", 0}};
  const std::optional<ClassScores> scores = class_scores_at(graph, value);
  if (!scores || scores->value != value || scores->axis != 1)
    return edit.add_node("ReduceSumSquare", {value}, whole);
  const ValueId likelihoods = edit.add_node("LogSoftmax", {value}, {{"axis", 1}});
  return edit.add_node("Neg", {edit.add_node("ReduceMax", {likelihoods}, whole)});
}

/// A graph whose outputs are the gradients of the loss by these constants.
Graph gradients_by(const Graph& graph, const std::vector<ValueId>& constants) {
  Edit edit(graph);
  std::vector<ValueId> losses;
  for (const ValueId output : graph.outputs())
    if (is_floating_point(graph.type_of(output).dtype))
      losses.push_back(loss_of(edit, graph, unbounded_source(graph, output)));
  for (const ValueId loss : losses) edit.add_output(loss);
  const Graph with_losses = edit.apply();
  const Graph both = gradient(with_losses, losses, constants);
  Edit trimmed(both);
  for (std::size_t i = with_losses.outputs().size(); i-- > 0;) trimmed.remove_output(i);
  return trimmed.apply();
}

/// The weights that lie on dims of a group (each once), and for each unit its elements in them.
struct UnitElements {
  std::vector<ValueId> constants;
  std::vector<std::vector<std::vector<std::pair<std::size_t, std::size_t>>>>
      of;  // [group][unit]: constant, element
};

void add_elements(UnitElements& elements, const Graph& graph, const ChannelGroup& group,
                  const ValueDim& dim) {
  const std::optional<Tensor> constant = graph.constant(dim.value);
  if (!constant || constant->rank() < 2 || constant->dtype() != DataType::float32) return;
  auto found = std::ranges::find(elements.constants, dim.value);
  if (found == elements.constants.end()) found = elements.constants.insert(found, dim.value);
  const auto which = static_cast<std::size_t>(found - elements.constants.begin());
  const auto axis = static_cast<std::size_t>(dim.axis);
  const std::int64_t inner = strides_of(constant->dims())[axis], size = constant->dims()[axis];
  std::vector<std::vector<std::size_t>> units_at(static_cast<std::size_t>(size));
  for (std::size_t u = 0; u < group.units.size(); ++u)
    for (const DimIndex& member : group.units[u])
      if (member.dim == dim) units_at[static_cast<std::size_t>(member.index)].push_back(u);
  for (std::int64_t i = 0; i < constant->element_count(); ++i)
    for (const std::size_t u : units_at[static_cast<std::size_t>(i / inner % size)])
      elements.of.back()[u].emplace_back(which, static_cast<std::size_t>(i));
}

UnitElements elements_of(const Graph& graph, std::span<const ChannelGroup> groups) {
  UnitElements elements;
  for (const ChannelGroup& group : groups) {
    elements.of.emplace_back(group.units.size());
    for (const ValueDim& dim : group.dims) add_elements(elements, graph, group, dim);
  }
  return elements;
}

}  // namespace

std::vector<std::vector<double>> gradient_scores(const Graph& graph, std::span<const ChannelGroup> groups,
                                                 const SampleSource& samples,
                                                 const ImportanceOptions& options) {
  const UnitElements elements = elements_of(graph, groups);
  const bool is_taylor = options.method == ImportanceMethod::taylor;
  Tensors weights;
  for (const ValueId id : elements.constants) weights.push_back(*graph.constant(id));
  SessionPool sessions(gradients_by(graph, elements.constants));
  std::vector<std::vector<double>> totals;
  for (const ChannelGroup& group : groups) totals.emplace_back(group.units.size(), 0.0);
  const auto compute = [&](std::int64_t i, int worker) {
    const Tensors gradients = sessions.session(worker).run(samples.read(i).inputs);
    std::vector<std::vector<double>> scores = totals;
    for (std::size_t g = 0; g < scores.size(); ++g)
      for (std::size_t u = 0; u < scores[g].size(); ++u) {
        double sum = 0, squares = 0;
        for (const auto& [which, element] : elements.of[g][u]) {
          const double product = static_cast<double>(gradients[which].data<float>()[element]) *
                                 static_cast<double>(weights[which].data<float>()[element]);
          sum += product;
          squares += product * product;
        }
        scores[g][u] = is_taylor ? sum * sum : squares / 2;
      }
    return scores;
  };
  for_samples_in_order(std::min(samples.count, options.largest_sample_count), compute,
                       [&](const std::vector<std::vector<double>>& scores) {
                         for (std::size_t g = 0; g < scores.size(); ++g)
                           for (std::size_t u = 0; u < scores[g].size(); ++u) totals[g][u] += scores[g][u];
                       });
  return totals;
}

}  // namespace edgeopt
