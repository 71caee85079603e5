#include "recipes/goal_probe.h"

#include <algorithm>

#include "ir/onnx/onnx.h"
#include "recipes/weight_widths.h"

namespace edgeopt {
namespace {

constexpr std::int64_t few_samples = 4;
// Medians of two runs of one model differ by a few percent; what just holds here should hold at the end.
constexpr double latency_margin = 0.03;

Graph quickly_quantized(const Graph& graph, const GoalProbe& probe) {
  QuantizeOptions quick = probe.quantize;
  quick.recovery.reset();
  quick.check = {};  // passes were checked on the original; this graph may be another function
  quick.observers = {{.method = ObserverMethod::minmax}};
  quick.range_search = RangeSearchUse::never;
  quick.rounding = WeightRounding::nearest;
  quick.equalization = Equalization::none;
  const bool may_narrow = quick.widths.packs_weights && quick.profile.quantization.packed_weights;
  if (std::ranges::any_of(probe.goals, is_about_size) && may_narrow)
    quick.widths.scheme.weight_bits = possible_weight_bits(quick.widths.scheme).back();
  const std::int64_t count = std::min(probe.samples.count, few_samples);
  try {
    return quantize_model(graph, slice_samples(probe.samples, 0, count), quick).graph;
  } catch (const NothingToQuantize&) {
    return graph;
  }
}

double size_excess(const Graph& quantized, const GoalProbe& probe) {
  const std::optional<double> largest = largest_bytes(probe.goals, probe.original_bytes);
  return largest ? static_cast<double>(model_to_bytes(quantized).size()) / *largest : 0;
}

double latency_excess(const Graph& quantized, const GoalProbe& probe) {
  if (std::ranges::none_of(probe.goals, is_about_latency)) return 0;
  const std::vector<Latency> both =
      measure_latency({probe.original, &quantized}, probe.inputs, probe.latency);
  const double longest = *longest_ms(probe.goals, percentile_of(both[0].times_ms, 50));
  return (1 + latency_margin) * percentile_of(both[1].times_ms, 50) / longest;
}

}  // namespace

double goal_excess(const Graph& graph, const GoalProbe& probe) {
  const Graph quantized = quickly_quantized(graph, probe);
  return std::max(size_excess(quantized, probe), latency_excess(quantized, probe));
}

}  // namespace edgeopt
