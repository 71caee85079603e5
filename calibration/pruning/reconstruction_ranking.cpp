#include "calibration/pruning/reconstruction_ranking.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "ir/op.h"
#include "ir/rules/move_elements.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

bool squeezes_between_bounds(const Node& node) {
  return node.is("Softmax") || node.is("LogSoftmax") || node.is("Sigmoid");
}

}  // namespace

ValueId unbounded_source(const Graph& graph, ValueId value) {
  const Node* producer = graph.producer(value);
  if (!producer || !(squeezes_between_bounds(*producer) || keeps_element_order(*producer))) return value;
  return graph.producer(producer->inputs[0]) ? unbounded_source(graph, producer->inputs[0]) : value;
}

namespace {

// Shares of a group that are taken out to measure what that does.
constexpr std::array<double, 2> tried_shares = {0.25, 0.625};

Graph measured_graph(const Graph& graph) {
  std::vector<ValueId> values;
  for (const ValueId output : graph.outputs()) {
    const ValueId source = unbounded_source(graph, output);
    const bool is_float = graph.type_of(source).dtype == DataType::float32;
    if (is_float && std::ranges::find(values, source) == values.end()) values.push_back(source);
  }
  return extract(graph, required_inputs(graph), values);
}

std::vector<Tensors> outputs_of(const Graph& graph, const SampleSource& samples) {
  SessionPool sessions(measured_graph(graph));
  std::vector<Tensors> outputs(static_cast<std::size_t>(samples.count));
  parallel_for(samples.count, [&](std::int64_t i, int worker) {
    outputs[static_cast<std::size_t>(i)] = sessions.session(worker).run(samples.read(i).inputs);
  });
  return outputs;
}

double mean_of(const std::vector<Tensors>& outputs, std::size_t output, std::size_t element) {
  double sum = 0;
  for (const Tensors& sample : outputs)
    sum += element < sample[output].data<float>().size()
               ? static_cast<double>(sample[output].data<float>()[element])
               : 0;
  return sum / static_cast<double>(outputs.size());
}

// Energy of the difference over the variance (over the samples) of what was wanted, summed over the outputs.
double output_error(const std::vector<Tensors>& wanted, const std::vector<Tensors>& got) {
  double error = 0;
  for (std::size_t k = 0; k < wanted.front().size(); ++k) {
    double difference = 0, energy = 0;
    for (std::size_t e = 0; e < wanted.front()[k].data<float>().size(); ++e) {
      const double mean = wanted.size() > 1 ? mean_of(wanted, k, e) : 0;
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::span<const float> a = wanted[i][k].data<float>(), b = got[i][k].data<float>();
        if (e >= std::min(a.size(), b.size())) continue;
        difference += std::pow(static_cast<double>(a[e]) - static_cast<double>(b[e]), 2);
        energy += std::pow(static_cast<double>(a[e]) - mean, 2);
      }
    }
    error += energy > 0 ? difference / energy : 0;
  }
  return std::isfinite(error) ? error : std::numeric_limits<double>::max();
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

struct SampleParts {
  SampleSource ranking, measuring;
};

SampleParts parts_of(const SampleSource& samples, std::int64_t measured) {
  if (samples.count < 2 * measured)
    return {samples, slice_samples(samples, 0, std::min(samples.count, measured))};
  return {slice_samples(samples, 0, samples.count - measured),
          slice_samples(samples, samples.count - measured, std::nullopt)};
}

std::vector<std::int64_t> tried_counts(const ChannelGroup& group) {
  std::vector<std::int64_t> counts;
  for (const double share : tried_shares) {
    const auto count = static_cast<std::int64_t>(share * static_cast<double>(group.units.size()));
    counts.push_back(std::max<std::int64_t>(count, counts.empty() ? 1 : counts.back()));
  }
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

// Piecewise linear from what the readers lose to what the outputs lose, through 0 and the measured points;
// beyond the last point with the steepest slope seen.
void bend(ChannelRanking& ranking, const std::vector<std::int64_t>& counts,
          const std::vector<double>& effects) {
  const std::vector<double> local = ranking.damage;
  double from = 0, to = 0, steepest = 0;
  std::size_t begin = 0;
  const auto fill = [&](std::size_t end, double slope) {
    for (std::size_t k = begin; k < end; ++k) ranking.damage[k] = to + slope * (local[k] - from);
    begin = end;
  };
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto count = static_cast<std::size_t>(counts[i]);
    const double rise = std::max(effects[i] - to, 0.0);
    const double slope = local[count] > from ? rise / (local[count] - from) : 0;
    fill(count + 1, slope);
    steepest = std::max(steepest, slope);
    to += rise;
    from = local[count];
  }
  fill(local.size(), steepest);
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
    layers.push_back({*layer, {}});
    for (Folds& folds : accumulate(graph, *layer, rows, [&](std::int64_t sample, int worker) {
           return RowSource{sessions.session(worker).run(samples.read(sample).inputs)[0], {}};
         }))
      layers.back().matrices.push_back(std::move(folds[0] += folds[1]));
  }
  return layers;
}

std::vector<ChannelRanking> rank_by_reconstruction(const Graph& graph, std::span<const ChannelGroup> groups,
                                                   const SampleSource& samples,
                                                   const ImportanceOptions& options) {
  const SampleParts parts = parts_of(samples, options.effect_sample_count);
  const std::vector<LayerStatistics> layers = input_statistics(graph, groups, parts.ranking, options);
  const std::vector<Tensors> wanted = outputs_of(graph, parts.measuring);
  std::vector<ChannelRanking> rankings;
  for (const ChannelGroup& group : groups) {
    const std::vector<const LayerStatistics*> readers = readers_of(group, layers);
    const std::vector<std::int64_t> counts = tried_counts(group);
    std::vector<double> effects;
    if (readers.empty()) {
      rankings.push_back(
          rank_channels(graph, std::span(&group, 1), nullptr, {.method = ImportanceMethod::magnitude})[0]);
      for (const std::int64_t count : counts)
        effects.push_back(output_error(
            wanted, outputs_of(without_units(graph, group, rankings.back(), static_cast<std::size_t>(count)),
                               parts.measuring)));
    } else {
      Elimination elimination = eliminate_units(graph, group, readers, counts);
      for (const auto& weights : elimination.weights)
        effects.push_back(
            output_error(wanted, outputs_of(with_weights(graph, readers, weights), parts.measuring)));
      rankings.push_back(std::move(elimination.ranking));
    }
    bend(rankings.back(), counts, effects);
    report_progress(options.progress, "ranking channels", std::ssize(rankings), std::ssize(groups));
  }
  return rankings;
}

}  // namespace edgeopt
