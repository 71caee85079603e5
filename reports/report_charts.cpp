#include "reports/report_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/write.h"

namespace edgeopt {
namespace {

struct Pair {
  std::string name;
  double original = 0, result = 0;
  std::string original_figure, result_figure;
};

// Both against the larger of the two.
void add_pair(BarChart& chart, const Pair& pair) {
  const double whole = std::max(pair.original, pair.result);
  if (!(whole > 0)) return;
  chart.bars.push_back(
      {pair.name + ", original", pair.original_figure, pair.original / whole, Tone::original});
  chart.bars.push_back({pair.name + ", result", pair.result_figure, pair.result / whole, Tone::result});
}

// Enough to see two humps, few enough that a hundred runs fill them.
constexpr std::size_t latency_step_count = 40;

HistogramChart::Series series_of(const std::string& name, Tone tone, const std::vector<double>& values,
                                 const HistogramChart& chart) {
  HistogramChart::Series series{name, tone, std::vector<double>(latency_step_count)};
  for (const double value : values) {
    const double place =
        (value - chart.low) / (chart.high - chart.low) * static_cast<double>(latency_step_count);
    const double step = std::clamp(std::floor(place), 0.0, static_cast<double>(latency_step_count - 1));
    series.shares[static_cast<std::size_t>(step)] += 1 / static_cast<double>(values.size());
  }
  return series;
}

HistogramChart::Marker median_marker(const std::string& name, Tone tone, double median_ms) {
  return {median_ms, fmt::format("{} {:.3f} ms", name, median_ms), tone};
}

double largest_finite_damage(const Sensitivity& sensitivity) {
  double largest = 0;
  for (const LayerDamage& layer : sensitivity.layers)
    if (std::isfinite(layer.damage)) largest = std::max(largest, layer.damage);
  return largest;
}

}  // namespace

BarChart size_chart(const Report& report) {
  BarChart chart{.title = "Size and speed before and after"};
  const auto bytes = [&](const std::string& name, std::uint64_t before, std::uint64_t after) {
    add_pair(chart, {name, static_cast<double>(before), static_cast<double>(after), human_bytes(before),
                     human_bytes(after)});
  };
  bytes("file size", report.original.file.size_bytes, report.result.file.size_bytes);
  if (!report.original_latency || !report.result_latency) return chart;
  const LatencyFacts& before = *report.original_latency;
  const LatencyFacts& after = *report.result_latency;
  add_pair(chart, {"median latency", before.median_ms, after.median_ms,
                   fmt::format("{:.3f} ms", before.median_ms), fmt::format("{:.3f} ms", after.median_ms)});
  if (before.arena_bytes > 0 && after.arena_bytes > 0)
    bytes("activation memory", before.arena_bytes, after.arena_bytes);
  return chart;
}

// What lies well above the 95th percentile is drawn in the last step: one interrupted run would else squeeze
// all others into the first.
HistogramChart latency_chart(const Report& report) {
  HistogramChart chart{.title = "Time of one run; the last step holds all longer ones", .unit = " ms"};
  if (!report.original_latency || !report.result_latency) return chart;
  const LatencyFacts& before = *report.original_latency;
  const LatencyFacts& after = *report.result_latency;
  chart.low = std::min(before.min_ms, after.min_ms);
  chart.high = std::max(before.p95_ms, after.p95_ms);
  chart.high += 0.1 * (chart.high - chart.low);
  if (!(chart.high > chart.low)) return chart;
  chart.series = {series_of("original", Tone::original, before.times_ms, chart),
                  series_of("result", Tone::result, after.times_ms, chart)};
  chart.markers = {median_marker("median", Tone::original, before.median_ms),
                   median_marker("median", Tone::result, after.median_ms)};
  return chart;
}

IntervalChart accuracy_chart(const AccuracyFacts& accuracy) {
  IntervalChart chart{.title = "Accuracy with 95 % confidence intervals", .unit = " %"};
  for (const Metric& metric : accuracy.metrics) {
    if (metric.unit != "percent") continue;
    const auto row = [&](const char* model, const std::optional<Interval>& interval, Tone tone) {
      if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return;
      chart.rows.push_back(
          {fmt::format("{}, {}", metric.name, model), interval->value, interval->low, interval->high, tone});
    };
    row("original", metric.original, Tone::original);
    row("result", metric.result, Tone::result);
  }
  return chart;
}

BarChart damage_chart(const Sensitivity& sensitivity, std::size_t row_count) {
  BarChart chart{.title = "Damage of each layer when it alone is quantized"};
  const double largest = largest_finite_damage(sensitivity);
  for (std::size_t i = 0; i < std::min(row_count, sensitivity.layers.size()); ++i) {
    const LayerDamage& layer = sensitivity.layers[i];
    const double share = !std::isfinite(layer.damage) ? 1 : largest > 0 ? layer.damage / largest : 0;
    chart.bars.push_back({fmt::format("{} {}", layer.op_type, layer.node),
                          fmt::format("{:.3g}", layer.damage), share, Tone::harm});
  }
  return chart;
}

HistogramChart range_chart(const Sensitivity& sensitivity) {
  if (sensitivity.layers.empty()) return {};
  const LayerDamage& layer = sensitivity.layers.front();
  const OutputHistogram& histogram = layer.evidence.histogram;
  HistogramChart chart{
      .title = fmt::format("Values that {} {} gives in float, how many on a logarithmic scale", layer.op_type,
                           layer.node),
      .low = histogram.low,
      .high = histogram.high,
      .is_logarithmic = true};
  double sum = 0;
  for (const std::int64_t count : histogram.counts) sum += static_cast<double>(count);
  HistogramChart::Series series{"output", Tone::original, {}};
  for (const std::int64_t count : histogram.counts)
    series.shares.push_back(sum > 0 ? static_cast<double>(count) / sum : 0);
  chart.series = {std::move(series)};
  const Range& range = layer.evidence.range;
  chart.markers = {{range.min, fmt::format("clipped below {:.4g}", range.min), Tone::harm},
                   {range.max, fmt::format("clipped above {:.4g}", range.max), Tone::harm}};
  return chart;
}

BarChart channel_chart(const PruningFacts& pruning) {
  BarChart chart{.title = "Channels that are left"};
  for (const PrunedGroup& group : pruning.groups) {
    if (group.removed_count == 0) continue;
    const std::int64_t kept = group.channel_count - group.removed_count;
    chart.bars.push_back({group.name, fmt::format("{} of {}", kept, group.channel_count),
                          static_cast<double>(kept) / static_cast<double>(group.channel_count)});
  }
  return chart;
}

BarChart zero_chart(const SparsityFacts& sparsity) {
  BarChart chart{.title = "Share of zeros"};
  for (const SparseLayer& layer : sparsity.layers) {
    const double share = static_cast<double>(layer.zero_count) / static_cast<double>(layer.element_count);
    chart.bars.push_back(
        {fmt::format("{} {}", layer.op_type, layer.node), fmt::format("{:.1f} %", 100 * share), share});
  }
  // Equal bars say nothing that the sentence beside them does not.
  const auto is_as_first = [&](const BarChart::Bar& bar) { return bar.figure == chart.bars[0].figure; };
  if (std::ranges::all_of(chart.bars, is_as_first)) chart.bars.clear();
  return chart;
}

LineChart learning_chart(const LearningFacts& learning) {
  LineChart chart{.title = "Loss by step", .x_name = "steps"};
  chart.series = {{"training", Tone::original, {}}, {"held-back samples", Tone::result, {}}};
  for (const LossPoint& point : learning.history) {
    const auto step = static_cast<double>(point.step);
    chart.series[0].points.emplace_back(step, point.training_loss);
    chart.series[1].points.emplace_back(step, point.held_back_loss);
  }
  return chart;
}

}  // namespace edgeopt
