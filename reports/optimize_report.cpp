// From what `optimize` did to its Report.
#include "reports/optimize_report.h"

#include <fmt/format.h>

#include <algorithm>

#include <filesystem>
#include <numeric>

#include "reports/headlines.h"
#include "reports/sparsity_report.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

ModelFacts model_facts(const NamedFile& file, const Graph& graph) {
  ModelFacts facts{.file = file};
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    ++facts.operators[node.domain.empty() ? node.op_type : node.domain + "::" + node.op_type];
  }
  facts.node_count = static_cast<std::int64_t>(graph.nodes().size());
  for (const ValueId id : graph.values())
    if (const std::optional<Tensor>& constant = graph.value(id).constant)
      facts.parameter_count += constant->element_count();
  return facts;
}

LatencyFacts latency_facts(const Latency& latency) {
  const auto count = static_cast<double>(latency.times_ms.size());
  return {.engine = "native",
          .thread_count = latency.thread_count,
          .warmup_count = latency.warmup_count,
          .times_ms = latency.times_ms,
          .median_ms = percentile_of(latency.times_ms, 50),
          .p5_ms = percentile_of(latency.times_ms, 5),
          .p95_ms = percentile_of(latency.times_ms, 95),
          .min_ms = percentile_of(latency.times_ms, 0),
          .mean_ms = std::accumulate(latency.times_ms.begin(), latency.times_ms.end(), 0.0) / count,
          .arena_bytes = latency.arena_bytes};
}

std::vector<PassFacts> pass_facts(const std::vector<StepOutcome>& steps) {
  std::vector<PassFacts> facts;
  facts.reserve(steps.size());
  for (const StepOutcome& step : steps)
    facts.push_back({.pass = step.pass,
                     .stage = step.stage,
                     .rewrite_count = step.rewrite_count,
                     .time_ms = step.time_ms,
                     .declined = step.declined,
                     .dropped_because = step.dropped_because});
  return facts;
}

QuantizationFacts quantization_facts(const QuantizedModel& model, const OptimizeRequest& request,
                                     const OptimizeFiles& files) {
  QuantizationFacts facts{.scheme = name_of(request.quantize.widths.scheme),
                          .observer = std::string(name_of(model.observer)),
                          .profile = files.profile,
                          .calibrated_on = request.samples->calibration.description,
                          .sample_count = request.samples->calibration.count,
                          .integer_layer_count = model.integer_layer_count};
  for (const ObserverTrial& trial : model.trials)
    facts.steps.emplace_back(fmt::format("observer {}", name_of(trial.method)),
                             fmt::format("{:.1f} dB", trial.sqnr_db));
  if (!model.searched_scales.empty()) {
    const auto changed = std::ranges::count_if(model.searched_scales,
                                               [](const SearchedScale& scale) { return scale.factor != 1; });
    facts.steps.emplace_back("range search",
                             fmt::format("{} of {} scales changed", changed, model.searched_scales.size()));
  }
  facts.steps.emplace_back("equalization", std::string(name_of(request.quantize.equalization)));
  facts.steps.emplace_back("bias correction", request.quantize.corrects_biases ? "on" : "off");
  for (const KeptFloat& layer : model.kept_float)
    facts.kept_float.push_back({layer.node, layer.op_type, layer.reason});
  return facts;
}

std::vector<RepairFacts> repair_facts(const std::vector<RepairTrial>& trials) {
  std::vector<RepairFacts> facts;
  for (const RepairTrial& trial : trials) {
    facts.push_back({.what = trial.what, .is_kept = trial.is_kept, .arguments = trial.arguments});
    for (const GoalOutcome& goal : trial.goals)
      facts.back().achieved.emplace_back(goal.goal.text, goal.achieved);
  }
  return facts;
}

std::string outcome_of(const Report& report) {
  std::string text;
  for (const Headline& headline : headlines_of(report))
    text += (text.empty() ? "" : ", ") + headline.sentence;
  return fmt::format("{}: {}.", report.result.file.path, text);
}

// Other programs, a throttled clock or a virtual machine spread the times far beyond what the work itself
// does: a quiet machine keeps 9 runs of 10 within a few percent of the median.
constexpr double suspicious_spread = 1.5;

bool is_noisy(const std::optional<LatencyFacts>& latency) {
  return latency && latency->p95_ms > suspicious_spread * latency->median_ms;
}

void add_notes(const Optimized& optimized, const OptimizeRequest& request, Report& report) {
  report.notes = optimized.notes;
  if (optimized.sparsity)
    for (std::string& note : speed_notes(optimized.sparsity->pattern, {request.quantize.profile}))
      report.notes.push_back("zeros: " + std::move(note));
  if (!optimized.not_quantized_because.empty())
    report.notes.push_back("not quantized: " + optimized.not_quantized_because);
  if (!optimized.fused.unchecked_because.empty())
    report.notes.push_back("simplifying and fusing could not be checked: " +
                           optimized.fused.unchecked_because);
  if (!optimized.not_measured_because.empty())
    report.notes.push_back("latency could not be measured: " + optimized.not_measured_because);
  if (is_noisy(report.original_latency) || is_noisy(report.result_latency))
    report.notes.emplace_back(
        "the machine was busy while latency was measured (95th percentile above 1.5 times the median): "
        "measure again on a quiet one, `edgeopt bench`");
}

// Files that decided the result: the same ones give the same bytes again.
void add_provenance(const OptimizeRequest& request, const OptimizeFiles& files, Report& report) {
  report.provenance = current_provenance(files.arguments, files.seed);
  std::vector<NamedFile>& list = report.provenance.files;
  list.push_back(report.original.file);
  if (request.samples) {
    const SampleSplit& samples = *request.samples;
    list.push_back({"calibration samples", samples.calibration.description, samples.calibration.sha256});
    list.push_back({"judging samples", samples.judging.description, samples.judging.sha256});
  }
  if (std::filesystem::is_regular_file(files.profile)) list.push_back(named_file("profile", files.profile));
  list.push_back(report.result.file);
}

}  // namespace

Report optimize_report(const Graph& original, const Optimized& optimized, const OptimizeRequest& request,
                       const OptimizeFiles& files) {
  Report report{.command = "optimize",
                .original = model_facts(files.model, original),
                .result = model_facts(named_file("result", files.result), optimized.graph)};
  if (request.samples)
    report.accuracy = {.judged_on = request.samples->judging.description,
                       .sample_count = optimized.judgement.sample_count,
                       .caution = request.samples->caution,
                       .metrics = optimized.judgement.metrics};
  if (optimized.original_latency) report.original_latency = latency_facts(*optimized.original_latency);
  if (optimized.result_latency) report.result_latency = latency_facts(*optimized.result_latency);
  report.passes = pass_facts(optimized.quantized ? optimized.quantized->steps : optimized.fused.steps);
  report.fusion_checked_on = optimized.fused.checked_on;
  if (!optimized.fused.checked_on.empty())
    report.fusion_relative_error = optimized.fused.difference.relative_error;
  if (optimized.quantized) report.quantization = quantization_facts(*optimized.quantized, request, files);
  for (const GoalOutcome& goal : optimized.goals)
    report.goals.push_back({goal.goal.text, goal.achieved, goal.is_met, goal.why_not});
  report.pruning = optimized.pruning;
  report.sparsity = optimized.sparsity;
  report.learning = optimized.learning;
  report.floats = optimized.floats;
  report.widths = optimized.widths;
  report.sensitivity = optimized.sensitivity;
  report.repairs = repair_facts(optimized.repairs);
  add_notes(optimized, request, report);
  add_provenance(request, files, report);
  report.outcome = outcome_of(report);
  return report;
}

}  // namespace edgeopt
