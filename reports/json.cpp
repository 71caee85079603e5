// Report -> report.json. Key order is the reading order; the file says which version of the layout it
// follows.
#include <cmath>
#include <nlohmann/json.hpp>

#include "reports/compression_report.h"
#include "reports/float_report.h"
#include "reports/sensitivity_report.h"
#include "reports/sparsity_report.h"
#include "reports/width_report.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinities: an SQNR without any noise is null, as is what was not measured.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

template <typename T, typename Convert>
Json list_of(const std::vector<T>& items, Convert convert) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(convert(item));
  return list;
}

template <typename T, typename Convert>
Json optional_of(const std::optional<T>& item, Convert convert) {
  return item ? convert(*item) : Json();
}

Json to_json(const Interval& interval) {
  return {{"value", number(interval.value)}, {"low", number(interval.low)}, {"high", number(interval.high)}};
}

Json to_json(const NamedFile& file) {
  return {{"role", file.role}, {"path", file.path}, {"sha256", file.sha256}, {"size_bytes", file.size_bytes}};
}

Json to_json(const ModelFacts& model) {
  return {{"path", model.file.path},
          {"sha256", model.file.sha256},
          {"size_bytes", model.file.size_bytes},
          {"node_count", model.node_count},
          {"parameter_count", model.parameter_count},
          {"operators", model.operators}};
}

Json to_json(const LatencyFacts& latency) {
  return {{"engine", latency.engine},
          {"thread_count", latency.thread_count},
          {"warmup_count", latency.warmup_count},
          {"median_ms", latency.median_ms},
          {"mean_ms", latency.mean_ms},
          {"min_ms", latency.min_ms},
          {"p5_ms", latency.p5_ms},
          {"p95_ms", latency.p95_ms},
          {"arena_bytes", latency.arena_bytes},
          {"times_ms", latency.times_ms}};
}

Json to_json(const Metric& metric) {
  const auto interval = [](const Interval& item) { return to_json(item); };
  return {{"name", metric.name},
          {"unit", metric.unit},
          {"original", optional_of(metric.original, interval)},
          {"result", optional_of(metric.result, interval)},
          {"difference", optional_of(metric.difference, interval)}};
}

Json to_json(const AccuracyFacts& accuracy) {
  return {{"judged_on", accuracy.judged_on},
          {"sample_count", accuracy.sample_count},
          {"caution", accuracy.caution},
          {"metrics", list_of(accuracy.metrics, [](const Metric& metric) { return to_json(metric); })}};
}

Json to_json(const PassFacts& pass) {
  const auto decline = [](const std::pair<std::string, int>& item) {
    return Json{{"reason", item.first}, {"count", item.second}};
  };
  return {{"pass", pass.pass},
          {"stage", pass.stage},
          {"rewrite_count", pass.rewrite_count},
          {"time_ms", pass.time_ms},
          {"declined", list_of(pass.declined, decline)},
          {"dropped_because", pass.dropped_because ? Json(*pass.dropped_because) : Json()}};
}

Json to_json(const QuantizationFacts& facts) {
  const auto step = [](const std::pair<std::string, std::string>& item) {
    return Json{{"name", item.first}, {"result", item.second}};
  };
  const auto kept = [](const KeptFloatFacts& layer) {
    return Json{{"node", layer.node}, {"op_type", layer.op_type}, {"reason", layer.reason}};
  };
  return {{"scheme", facts.scheme},
          {"observer", facts.observer},
          {"profile", facts.profile},
          {"calibrated_on", facts.calibrated_on},
          {"sample_count", facts.sample_count},
          {"integer_layer_count", facts.integer_layer_count},
          {"steps", list_of(facts.steps, step)},
          {"kept_float", list_of(facts.kept_float, kept)}};
}

Json to_json(const GoalFacts& goal) {
  return {
      {"goal", goal.goal}, {"achieved", goal.achieved}, {"is_met", goal.is_met}, {"why_not", goal.why_not}};
}

Json to_json(const RepairFacts& repair) {
  const auto goal = [](const std::pair<std::string, std::string>& item) {
    return Json{{"goal", item.first}, {"achieved", item.second}};
  };
  return {{"what", repair.what},
          {"goals", list_of(repair.achieved, goal)},
          {"is_kept", repair.is_kept},
          {"arguments", repair.arguments}};
}

Json to_json(const Machine& machine) {
  return {{"cpu_model", machine.cpu_model},
          {"isa_flags", machine.isa_flags},
          {"core_count", machine.core_count},
          {"memory_bytes", machine.memory_bytes},
          {"operating_system", machine.operating_system},
          {"kernel", machine.kernel}};
}

Json to_json(const Provenance& provenance) {
  Json libraries = Json::object();
  for (const auto& [name, version] : provenance.libraries) libraries[name] = version;
  return {{"edgeopt_version", provenance.edgeopt_version},
          {"compiler", provenance.compiler},
          {"libraries", libraries},
          {"arguments", provenance.arguments},
          {"seed", provenance.seed},
          {"thread_count", provenance.thread_count},
          {"created_at", provenance.created_at},
          {"machine", to_json(provenance.machine)},
          {"files", list_of(provenance.files, [](const NamedFile& file) { return to_json(file); })}};
}

Json latency_of(const Report& report) {
  const auto facts = [](const LatencyFacts& latency) { return to_json(latency); };
  return {{"original", optional_of(report.original_latency, facts)},
          {"result", optional_of(report.result_latency, facts)}};
}

Json fusion_of(const Report& report) {
  return {{"checked_on", report.fusion_checked_on.empty() ? Json() : Json(report.fusion_checked_on)},
          {"relative_error", report.fusion_relative_error ? number(*report.fusion_relative_error) : Json()},
          {"passes", list_of(report.passes, [](const PassFacts& pass) { return to_json(pass); })}};
}

}  // namespace

std::string report_to_json(const Report& report) {
  const Json json = {
      {"schema_version", report_schema_version},
      {"command", report.command},
      {"outcome", report.outcome},
      {"models", {{"original", to_json(report.original)}, {"result", to_json(report.result)}}},
      {"accuracy", to_json(report.accuracy)},
      {"latency", latency_of(report)},
      {"fusion", fusion_of(report)},
      {"quantization",
       optional_of(report.quantization, [](const QuantizationFacts& facts) { return to_json(facts); })},
      {"goals", list_of(report.goals, [](const GoalFacts& goal) { return to_json(goal); })},
      {"pruning", optional_of(report.pruning, pruning_to_json)},
      {"sparsity", optional_of(report.sparsity, sparsity_to_json)},
      {"learning", learning_to_json(report.learning)},
      {"floats", optional_of(report.floats, floats_to_json)},
      {"widths", optional_of(report.widths, widths_to_json)},
      {"sensitivity", optional_of(report.sensitivity, sensitivity_to_json)},
      {"repairs", list_of(report.repairs, [](const RepairFacts& repair) { return to_json(repair); })},
      {"notes", report.notes},
      {"provenance", to_json(report.provenance)},
  };
  // Names in a model need not be UTF-8; a report always is.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace edgeopt
