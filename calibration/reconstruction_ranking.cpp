#include "calibration/reconstruction_ranking.h"

#include <algorithm>
#include <cmath>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "ir/move_elements.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

std::vector<Tensors> outputs_of(const Graph& graph, const SampleSource& samples, std::int64_t count) {
  SessionPool sessions(graph);
  std::vector<Tensors> outputs(static_cast<std::size_t>(count));
  parallel_for(count, [&](std::int64_t i, int worker) {
    outputs[static_cast<std::size_t>(i)] = sessions.session(worker).run(samples.read(i).inputs);
  });
  return outputs;
}

// Energy of the difference over that of the wanted outputs, summed over the floating-point outputs.
double output_error(const std::vector<Tensors>& wanted, const std::vector<Tensors>& got) {
  double error = 0;
  for (std::size_t k = 0; k < wanted.front().size(); ++k) {
    if (wanted.front()[k].dtype() != DataType::float32) continue;
    double difference = 0, energy = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::span<const float> a = wanted[i][k].data<float>(), b = got[i][k].data<float>();
      for (std::size_t e = 0; e < std::min(a.size(), b.size()); ++e) {
        difference += std::pow(static_cast<double>(a[e]) - static_cast<double>(b[e]), 2);
        energy += std::pow(static_cast<double>(a[e]), 2);
      }
    }
    error += energy > 0 ? difference / energy : 0;
  }
  return error;
}

// What units compute is no longer read: their readers have the weights of the elimination, zero for them.
Graph with_weights(const Graph& graph, std::span<const LayerStatistics* const> readers,
                   const std::vector<std::vector<Eigen::MatrixXd>>& weights) {
  Edit edit(graph);
  for (std::size_t r = 0; r < readers.size(); ++r) {
    const WeightedLayer& layer = readers[r]->layer;
    Tensor weight = *graph.constant(layer.weight);
    const std::optional<BiasPlace> place = bias_place_of(graph, layer);
    std::vector<float> bias;
    for (std::size_t g = 0; g < weights[r].size(); ++g) {
      using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      const RowMajor rows = weights[r][g].topRows(layer.features);
      set_weights(layer, std::span(rows.data(), static_cast<std::size_t>(rows.size())),
                  static_cast<std::int64_t>(g), weight);
      for (std::int64_t m = 0; m < layer.outputs; ++m)
        bias.push_back(static_cast<float>(weights[r][g](layer.features, m)));
    }
    edit.set_input(layer.node, 1, edit.add_constant(weight, "weight"));
    if (!place) continue;
    if (place->constant != ValueId::none)
      for (std::size_t m = 0; m < bias.size(); ++m)
        bias[m] += graph.constant(place->constant)->data<float>()[m];
    const auto count = static_cast<std::int64_t>(bias.size());
    edit.set_input(place->node, place->input, edit.add_constant(Tensor::of<float>({count}, bias), "bias"));
  }
  return edit.apply();
}

// For groups that only computed values read: their constants at zero.
Graph without_units(const Graph& graph, const ChannelGroup& group, const ChannelRanking& ranking,
                    std::size_t count) {
  std::vector<ChannelUnit> units;
  for (std::size_t i = 0; i < count; ++i) units.push_back(group.units[ranking.order[i]]);
  Edit edit(graph);
  for (const auto& [dim, indexes] : removed_indexes(units)) {
    const std::optional<Tensor> constant = edit.draft().constant(dim.value);
    if (!constant || !is_floating_point(constant->dtype())) continue;
    auto picked = all_indices(constant->dims());
    for (const std::int64_t index : indexes)
      picked[static_cast<std::size_t>(dim.axis)][static_cast<std::size_t>(index)] = -1;
    edit.set_constant(dim.value, select_indices(*constant, picked));
  }
  return edit.apply();
}

}  // namespace

std::vector<LayerStatistics> input_statistics(const Graph& graph, std::span<const ChannelGroup> groups,
                                              const SampleSource& samples, const ImportanceOptions& options) {
  std::vector<LayerStatistics> layers;
  const std::vector<ValueId> inputs = required_inputs(graph);
  const RowOptions rows{.sample_count = std::min(samples.count, options.largest_sample_count),
                        .positions_per_sample = options.positions_per_sample};
  std::int64_t done = 0;
  for (const NodeId id : graph.nodes()) {
    report_progress(options.progress, "looking at activations", ++done, std::ssize(graph.nodes()));
    const std::optional<WeightedLayer> layer = weighted_layer_at(graph, graph.node(id));
    if (!layer || std::ranges::none_of(groups, [&](const ChannelGroup& group) {
          return std::ranges::binary_search(group.dims, layer->input_channels);
        }))
      continue;
    SessionPool sessions(extract(graph, inputs, std::vector{layer->input}));
    layers.push_back({*layer, accumulate(graph, *layer, rows, [&](std::int64_t sample, int worker) {
                        return RowSource{sessions.session(worker).run(samples.read(sample).inputs)[0], {}};
                      })});
  }
  return layers;
}

std::vector<ChannelRanking> rank_by_reconstruction(const Graph& graph, std::span<const ChannelGroup> groups,
                                                   const SampleSource& samples,
                                                   const ImportanceOptions& options) {
  const std::int64_t count = std::min(samples.count, options.effect_sample_count);
  const std::vector<LayerStatistics> layers = input_statistics(graph, groups, samples, options);
  const std::vector<Tensors> wanted = outputs_of(graph, samples, count);
  const std::vector<ChannelRanking> by_magnitude =
      rank_channels(graph, groups, nullptr, {.method = ImportanceMethod::magnitude});
  std::vector<ChannelRanking> rankings(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto tried = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(options.effect_share * static_cast<double>(groups[g].units.size())));
    const std::vector<const LayerStatistics*> readers = readers_of(groups[g], layers);
    Graph changed = graph;
    if (readers.empty()) {
      rankings[g] = by_magnitude[g];
      changed = without_units(graph, groups[g], rankings[g], static_cast<std::size_t>(tried));
    } else {
      Elimination elimination = eliminate_units(graph, groups[g], readers, tried);
      changed = with_weights(graph, readers, elimination.weights);
      rankings[g] = std::move(elimination.ranking);
    }
    const double effect = output_error(wanted, outputs_of(changed, samples, count));
    const double local = rankings[g].damage[static_cast<std::size_t>(tried)];
    const double scale = local > 0 ? effect / local : 1;  // nothing was lost: as the readers see it
    for (double& damage : rankings[g].damage) damage *= scale;
    report_progress(options.progress, "ranking channels", static_cast<std::int64_t>(g) + 1,
                    std::ssize(groups));
  }
  return rankings;
}

}  // namespace edgeopt
