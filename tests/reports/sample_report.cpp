#include "tests/reports/sample_report.h"

namespace edgeopt {
namespace {

LatencyFacts latency(double median_ms) {
  LatencyFacts facts{.engine = "native", .warmup_count = 10, .median_ms = median_ms, .arena_bytes = 5000};
  for (int i = 0; i < 20; ++i) facts.times_ms.push_back(median_ms * (0.9 + 0.01 * i));
  facts.p5_ms = facts.min_ms = facts.times_ms.front();
  facts.p95_ms = facts.times_ms.back();
  facts.mean_ms = median_ms;
  return facts;
}

Sensitivity sensitivity(const std::string& name) {
  LayerDamage worst{.node = name, .op_type = "Conv", .damage = 0.25};
  worst.evidence = {.sqnr_db = 20, .clipped_share = 0.01, .range = {-1, 3}, .worst_channel = 2};
  worst.evidence.histogram = {.low = -3, .high = 5, .counts = {1, 0, 40, 90, 30, 2}};
  LayerDamage next{.node = "next", .op_type = "Gemm", .damage = 0.125};
  next.evidence.histogram = {.low = 0, .high = 1, .counts = {1, 2}};
  return {.loss = "divergence in nats", .sample_count = 8, .layers = {worst, next}};
}

PruningFacts pruning(const std::string& name) {
  return {
      .groups = {{.name = name, .channel_count = 16, .removed_count = 4, .damage = 0.1}},
      .kept = {{.node = name, .op_type = "Conv", .channel_count = 8, .kept_count = 8, .reason = "Softmax"}},
      .multiply_adds = {100, 50},
      .parameters = {100, 60},
      .meets_budget = true};
}

SparsityFacts sparsity(const std::string& name) {
  return {.pattern = {.share = 0.5},
          .layers = {{.node = name, .op_type = "Conv", .element_count = 10, .zero_count = 5}},
          .left_alone = {{.node = name, .op_type = "Conv", .element_count = 10, .reason = "depthwise"}}};
}

FloatChoice floats(const std::string& name) {
  FloatChoice choice;
  choice.layers = {{.node = name, .op_type = "Conv", .integer_ms = 0.2, .float_ms = 0.1}};
  choice.is_float = {1};
  choice.keep_float = {name};
  choice.integer_ms = 1;
  choice.chosen_ms = 0.9;
  return choice;
}

WidthChoice widths(const std::string& name) {
  WidthChoice choice;
  choice.layers = {{.nodes = {name}, .op_type = "Conv", .widths = {{.bits = 8}, {.bits = 4, .damage = 0.1}}}};
  choice.loss = "divergence in nats";
  return choice;
}

void add_facts(Report& report, const std::string& name) {
  report.goals = {{"--max-drop 1", "0.34 points", true, ""}, {"size=9x", "3.5x", false, name}};
  report.pruning = pruning(name);
  report.sparsity = sparsity(name);
  report.learning = {{.who = "the pruned model", .step_count = 20, .best_step = 10}};
  for (const std::int64_t step : {0, 10, 20})
    report.learning[0].history.push_back(
        {.step = step, .training_loss = 1.0 / (1 + step), .held_back_loss = 1.5 / (1 + step)});
  report.floats = floats(name);
  report.widths = widths(name);
  report.sensitivity = sensitivity(name);
  report.repairs = {{"1 layer in float: " + name, {{"--max-drop 1", "0.34 points"}}, true}};
  report.notes = {"a note about " + name};
}

}  // namespace

Report sample_report(const std::string& name) {
  const Interval high{.value = 94, .low = 92, .high = 95.5};
  Report report{.command = "optimize",
                .original = {.file = {"model", name, "", 716000}, .node_count = 40},
                .result = {.file = {"result", name, "", 203000}, .node_count = 20},
                .outcome = name + ": 3.53x smaller.",
                .accuracy = {.judged_on = name,
                             .sample_count = 100,
                             .caution = "few samples",
                             .metrics = {{"top1", "percent", high, high, Interval{.value = -0.3}},
                                         {"agreement", "percent", std::nullopt, high, std::nullopt},
                                         {"sqnr", "dB", std::nullopt, Interval{.value = 33}, std::nullopt}}},
                .original_latency = latency(0.08),
                .result_latency = latency(0.04),
                .passes = {{.pass = "fold_batch_norm", .stage = "fuse", .rewrite_count = 3}},
                .fusion_checked_on = "two samples",
                .fusion_relative_error = 1e-6,
                .quantization = QuantizationFacts{.scheme = "int8",
                                                  .observer = "mse",
                                                  .steps = {{"bias correction", "on"}},
                                                  .kept_float = {{name, "Softmax", "no integer form"}}}};
  add_facts(report, name);
  report.provenance = {
      .edgeopt_version = "1", .arguments = {"optimize", name}, .files = {report.result.file}};
  return report;
}

}  // namespace edgeopt
