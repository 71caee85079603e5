// The wanted values become outputs of a copy; every sample's outputs go into one histogram per value, under
// its lock. Counts are whole numbers and bins nest, so it does not matter which thread adds first.
#include "calibration/ranges/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "runtime/engine.h"
#include "support/error.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

bool is_activation(const Graph& graph, const Value& value) {
  return is_floating_point(value.type.dtype) && value.type.is_tensor() && !value.constant &&
         !value.is_captured && (value.is_input || graph.producer(value.id));
}

std::vector<ValueId> wanted_values(const Graph& graph, const CalibrationOptions& options) {
  std::vector<ValueId> wanted;
  for (const ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    const bool is_constant = graph.producer(id, "Constant") != nullptr;
    if (is_activation(graph, value) && !is_constant &&
        (!options.is_wanted || options.is_wanted(graph, value)))
      wanted.push_back(id);
  }
  return wanted;
}

/// Where a run finds a wanted value: among the sample's inputs or the outputs.
struct Place {
  bool is_input = false;
  std::size_t index = 0;
};

struct ObservedGraph {
  Graph graph;  // its outputs are the wanted values that nodes compute
  std::vector<Place> places;
};

ObservedGraph observed_graph(const Graph& graph, const std::vector<ValueId>& wanted) {
  Edit edit(graph);
  for (std::size_t i = graph.outputs().size(); i > 0; --i) edit.remove_output(i - 1);
  const std::vector<ValueId> inputs = required_inputs(graph);
  ObservedGraph observed;
  std::size_t output_count = 0;
  for (const ValueId id : wanted) {
    const auto input = std::find(inputs.begin(), inputs.end(), id);
    const bool is_input = input != inputs.end();
    if (!is_input) edit.add_output(id);
    observed.places.push_back(
        {is_input, is_input ? static_cast<std::size_t>(input - inputs.begin()) : output_count++});
  }
  observed.graph = output_count > 0 ? edit.apply() : graph;
  return observed;
}

/// Histograms that threads share, one lock each.
class SharedHistograms {
 public:
  explicit SharedHistograms(std::size_t count) : histograms_(count), locks_(count) {}

  void add(std::size_t index, const Tensor& tensor) {
    const Tensor floats = tensor.dtype() == DataType::float32 ? tensor : cast(tensor, DataType::float32);
    const std::scoped_lock guard(locks_[index]);
    histograms_[index].add(floats.data<float>());
  }
  RangeHistogram& at(std::size_t index) { return histograms_[index]; }

 private:
  std::vector<RangeHistogram> histograms_;
  std::vector<std::mutex> locks_;
};

// A width that was decided for the value has levels of its own.
ObserverOptions with_levels_of(const Value& value, ObserverOptions options) {
  if (value.quantization) options.levels = (1 << value.quantization->bits) - 1;
  return options;
}

}  // namespace

Observations observe_values(const Graph& graph, const SampleSource& samples,
                            const CalibrationOptions& options) {
  const std::vector<ValueId> wanted = wanted_values(graph, options);
  const ObservedGraph observed = observed_graph(graph, wanted);
  SessionPool sessions(observed.graph);
  SharedHistograms histograms(wanted.size());
  std::mutex progress_lock;
  std::int64_t done = 0;
  parallel_for(samples.count, [&](std::int64_t i, int worker) {
    const Sample sample = samples.read(i);
    const Tensors outputs = while_doing(fmt::format("running sample {}", i),
                                        [&] { return sessions.session(worker).run(sample.inputs); });
    for (std::size_t step = 0; step < wanted.size(); ++step) {
      // Every worker begins elsewhere, so that they seldom wait for the same histogram.
      const std::size_t k = (step + static_cast<std::size_t>(worker) * wanted.size() /
                                        static_cast<std::size_t>(thread_count())) %
                            wanted.size();
      const Place place = observed.places[k];
      histograms.add(k, place.is_input ? sample.inputs[place.index] : outputs[place.index]);
    }
    const std::scoped_lock guard(progress_lock);
    if (++done; options.progress) options.progress(done, samples.count);
  });
  Observations observations{.sample_count = samples.count};
  for (std::size_t k = 0; k < wanted.size(); ++k)
    observations.values.push_back({graph.name_of(wanted[k]), std::move(histograms.at(k))});
  return observations;
}

Graph with_chosen_ranges(const Graph& graph, const Observations& observations,
                         const ObserverOptions& observer) {
  std::vector<ValueId> values;
  for (const ObservedValue& observed : observations.values) {
    const auto value = graph.find_value(observed.name);
    if (!value)
      throw UserError(
          fmt::format("a range was observed for '{}', but the model has no such value; calibrate this model",
                      observed.name));
    values.push_back(*value);
  }
  std::vector<std::optional<Range>> ranges(values.size());
  parallel_for(static_cast<std::int64_t>(ranges.size()), [&](std::int64_t i, int) {
    const auto k = static_cast<std::size_t>(i);
    ranges[k] =
        choose_range(observations.values[k].histogram, with_levels_of(graph.value(values[k]), observer));
  });
  Edit edit(graph);
  for (std::size_t k = 0; k < ranges.size(); ++k) edit.set_range(values[k], ranges[k]);
  return edit.apply();
}

Graph with_ranges(const Graph& graph, const SampleSource& samples, const CalibrationOptions& options) {
  return with_chosen_ranges(graph, observe_values(graph, samples, options), options.observer);
}

}  // namespace edgeopt
