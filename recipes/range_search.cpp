#include "recipes/range_search.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "calibration/class_scores.h"
#include "calibration/staged_run.h"
#include "ir/edit.h"
#include "recipes/output_loss.h"

namespace edgeopt {
namespace {

// 0.9^k: near its least the loss is flat, and a range off by a twentieth costs it a percent or two. Down to
// what resnet20 at 4 bits takes where the observers see least (0.59).
constexpr std::array factors = {1.0, 1.11, 0.9, 0.81, 0.73, 0.66, 0.59};
constexpr std::size_t unchanged = 0;

// The values of one scale.
struct ScaleMembers {
  std::vector<ValueId> values;  // in the order of the graph
  QuantizationScheme scheme;
  Range range;   // what the integers cover
  Range widest;  // what was seen
};

Range united(const Range& a, const Range& b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }

// The range multiplied, but not beyond what was seen.
Range range_at(const ScaleMembers& scale, double factor) {
  const Range range = {scale.range.min * factor, scale.range.max * factor};
  if (factor <= 1) return range;
  const Range most = united(scale.range, scale.widest);
  return {std::max(range.min, most.min), std::min(range.max, most.max)};
}

bool can_be(const ScaleMembers& scale, double factor) {
  const Range range = range_at(scale, factor);
  return factor <= 1 || range.min < scale.range.min || range.max > scale.range.max;
}

// Not to be changed: scores keep all that was seen, as with every observer.
std::set<ValueId> fixed_values(const Graph& graph) {
  std::set<ValueId> fixed;
  if (const auto output = class_output_of(graph))
    for (const ValueId value : values_of_scores(graph, graph.outputs()[*output])) fixed.insert(value);
  for (const ValueId value : graph.values()) {
    const auto& decided = graph.value(value).quantization;
    if (decided && !decided->scales.empty()) fixed.insert(value);
  }
  return fixed;
}

std::vector<ValueId> values_in_order(const Graph& graph) {
  std::vector<ValueId> values(graph.inputs().begin(), graph.inputs().end());
  for (const NodeId id : graph.nodes())
    values.insert(values.end(), graph.node(id).outputs.begin(), graph.node(id).outputs.end());
  return values;
}

std::vector<ScaleMembers> searched_scales(const Graph& graph, const Graph& widest,
                                          const QuantizationPlan& plan) {
  const std::set<ValueId> fixed = fixed_values(graph);
  std::vector<ScaleMembers> scales;
  std::map<ValueId, std::size_t> places;  // of scale owners
  for (const ValueId value : values_in_order(graph)) {
    const auto found = plan.activations.find(value);
    if (found == plan.activations.end()) continue;
    const ActivationQuantization& quantization = found->second;
    const auto [place, is_new] = places.emplace(quantization.scale_owner, scales.size());
    if (is_new)
      scales.push_back({.scheme = quantization.scheme,
                        .range = covered_range(quantization.parameters, quantization.scheme)});
    ScaleMembers& scale = scales[place->second];
    scale.values.push_back(value);
    scale.widest = united(scale.widest, widest.value(value).range.value_or(Range{}));
  }
  std::erase_if(scales, [&](const ScaleMembers& scale) {
    return std::ranges::any_of(scale.values, [&](ValueId value) { return fixed.contains(value); });
  });
  return scales;
}

// Elements moved from values of the scale are rounded already.
bool is_moved(const Graph& graph, const ScaleMembers& scale, ValueId value) {
  const Node* producer = graph.producer(value);
  return producer && std::ranges::any_of(producer->inputs, [&](ValueId input) {
           return std::ranges::find(scale.values, input) != scale.values.end();
         });
}

// With this scale alone rounded.
Graph rounded(const Graph& graph, const ScaleMembers& scale, double factor) {
  const QuantizationParameters parameters = parameters_for(range_at(scale, factor), scale.scheme);
  Edit edit(graph);
  const ValueId step = edit.add_constant(Tensor::scalar(parameters.scale), "searched_scale");
  const ValueId zero =
      edit.add_constant(Tensor::scalar(static_cast<float>(parameters.zero_point)), "searched_zero_point");
  for (const ValueId value : scale.values)
    if (!is_moved(graph, scale, value))
      edit.replace(value, edit.add_node({.op_type = "FakeQuantize",
                                         .inputs = {value, step, zero},
                                         .attributes = {{"low", std::int64_t{scale.scheme.lowest()}},
                                                        {"high", std::int64_t{scale.scheme.highest()}}},
                                         .domain = "edgeopt"})[0]);
  return edit.apply();
}

class RangeSearch {
 public:
  RangeSearch(const Graph& graph, std::vector<ScaleMembers> scales, const SampleSource& samples,
              const RangeSearchOptions& options)
      : graph_(graph),
        scales_(std::move(scales)),
        options_(options),
        samples_(slice_samples(samples, 0, std::min(samples.count, options.largest_sample_count))),
        loss_(graph, samples_, samples_.count),
        compared_(loss_.compared_values(graph)),
        sums_(scales_.size()) {}

  void measure() {
    const std::int64_t affordable = affordable_sample_count(graph_, options_.largest_memory_bytes);
    for (std::int64_t begin = 0; begin < samples_.count; begin += affordable)
      measure_samples(begin, std::min(begin + affordable, samples_.count));
  }

  SearchedRanges result() const {
    SearchedRanges result;
    Edit edit(graph_);
    for (std::size_t k = 0; k < scales_.size(); ++k) {
      const auto best = std::ranges::min_element(sums_[k]) - sums_[k].begin();
      const double factor = factors[static_cast<std::size_t>(best)];
      const auto count = static_cast<double>(samples_.count);
      result.scales.push_back({.value = graph_.name_of(scales_[k].values[0]),
                               .factor = factor,
                               .loss_before = sums_[k][unchanged] / count,
                               .loss_after = sums_[k][static_cast<std::size_t>(best)] / count});
      if (best == unchanged) continue;
      for (const ValueId value : scales_[k].values) edit.set_range(value, range_at(scales_[k], factor));
    }
    result.graph = edit.apply();
    return result;
  }

 private:
  using Losses = std::array<double, factors.size()>;

  void measure_samples(std::int64_t begin, std::int64_t end) {
    const SampleSource samples = slice_samples(samples_, begin, end);
    StagedRun run(samples, samples.count);
    std::vector<Tensors> expected(static_cast<std::size_t>(samples.count));
    run.look_ahead(graph_, compared_, [&](std::int64_t i, const Tensors& outputs) {
      expected[static_cast<std::size_t>(i)] = outputs;
    });
    for (std::size_t k = 0; k < scales_.size(); ++k) {
      run.compute(graph_, scales_[k].values[0], [](std::int64_t, const Tensor&) {});
      for (std::size_t f = 0; f < factors.size(); ++f)
        sums_[k][f] += can_be(scales_[k], factors[f]) ? loss_with(scales_[k], factors[f], run, expected)
                                                      : std::numeric_limits<double>::infinity();
      report_progress(options_.progress, "searching ranges",
                      begin * std::ssize(scales_) + (end - begin) * (static_cast<std::int64_t>(k) + 1),
                      samples_.count * std::ssize(scales_));
    }
  }

  // Over the samples of the run.
  double loss_with(const ScaleMembers& scale, double factor, const StagedRun& run,
                   const std::vector<Tensors>& expected) const {
    const Graph variant = rounded(graph_, scale, factor);
    std::vector<double> losses(expected.size());
    run.look_ahead(variant, loss_.compared_values(variant), [&](std::int64_t i, const Tensors& outputs) {
      const auto sample = static_cast<std::size_t>(i);
      losses[sample] = loss_.loss(expected[sample], outputs);
    });
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }

  const Graph& graph_;
  std::vector<ScaleMembers> scales_;
  const RangeSearchOptions& options_;
  SampleSource samples_;
  OutputLoss loss_;
  std::vector<ValueId> compared_;
  std::vector<Losses> sums_;  // by scale and factor
};

}  // namespace

SearchedRanges search_ranges(const Graph& ranged, const Graph& widest, const QuantizationPlan& plan,
                             const SampleSource& samples, const RangeSearchOptions& options) {
  RangeSearch search(ranged, searched_scales(ranged, widest, plan), samples, options);
  search.measure();
  return search.result();
}

}  // namespace edgeopt
