// Report -> summary.md for a reader, and the shorter text that a terminal shows.
#include <fmt/format.h>

#include "reports/compression_report.h"
#include "reports/float_report.h"
#include "reports/sensitivity_report.h"
#include "reports/sparsity_report.h"
#include "reports/tables.h"
#include "reports/width_report.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

std::string section(const std::string& title, const Table& table) {
  return table.rows.empty() ? "" : fmt::format("\n## {}\n{}", title, to_markdown(table));
}

std::string heading(const std::string& title, const Table& table) {
  return table.rows.empty() ? "" : fmt::format("\n{}:\n{}", title, to_text(table));
}

std::string judged_on(const Report& report) {
  const AccuracyFacts& accuracy = report.accuracy;
  if (accuracy.metrics.empty()) return "";
  std::string text = fmt::format("Judged on {} samples: {}. 95 % confidence intervals in brackets.",
                                 accuracy.sample_count, accuracy.judged_on);
  if (!accuracy.caution.empty()) text += " **Caution:** " + accuracy.caution + ".";
  return text + "\n";
}

std::string measured_with(const Report& report) {
  if (!report.result_latency) return "";
  const LatencyFacts& latency = *report.result_latency;
  return fmt::format(
      "\nLatency: {} engine, {} thread{}, {} runs after {} to warm up, one sample per run, on {}.\n",
      latency.engine, latency.thread_count, latency.thread_count == 1 ? "" : "s", latency.times_ms.size(),
      latency.warmup_count, report.provenance.machine.cpu_model);
}

std::string fusion_check(const Report& report) {
  if (!report.fusion_relative_error) return "";
  return fmt::format("\nSimplifying and fusing moved the outputs by {:.2g} of their scale at most, on {}.\n",
                     *report.fusion_relative_error, report.fusion_checked_on);
}

std::string quantization_section(const Report& report) {
  if (!report.quantization) return "";
  const QuantizationFacts& facts = *report.quantization;
  std::string text = fmt::format(
      "\n## Quantization\n{} with ranges by {} over {} samples ({}), for the profile {}; {} layers run in "
      "integers.\n",
      facts.scheme, facts.observer, facts.sample_count, facts.calibrated_on, facts.profile,
      facts.integer_layer_count);
  if (!facts.steps.empty()) text += '\n';
  for (const auto& [name, result] : facts.steps) text += fmt::format("- {}: {}\n", name, result);
  return text;
}

std::string pruning_section(const Report& report) {
  if (!report.pruning) return "";
  const CostChange& cost = report.pruning->multiply_adds;
  return section("Channels pruned", pruned_group_table(report.pruning->groups)) +
         fmt::format("\n{:.1f} % of the multiply-adds stay{}.\n", 100 * cost.result / cost.original,
                     report.pruning->meets_budget ? "" : "; the budget was out of reach") +
         section("Channels left alone", unpruned_table(report.pruning->kept));
}

std::string sparsity_section(const Report& report) {
  if (!report.sparsity) return "";
  const SparsityFacts& facts = *report.sparsity;
  std::string text =
      section("Zeros among the weights", zero_table(facts)) +
      fmt::format("\n{}; errors are relative to the layer's output.\n", sparsity_headline(facts)) +
      section("Layers left dense", dense_table(facts));
  if (facts.after_repair)
    text += section("What repair regained", repair_table(*facts.before_repair, *facts.after_repair));
  return text;
}

// Enough to see how a loss falls; report.json has all points.
constexpr std::size_t loss_row_count = 12;

std::string learning_section(const Report& report) {
  std::string text;
  for (const LearningFacts& learning : report.learning)
    text += section(fmt::format("What {} learned", learning.who), learning_table(learning, loss_row_count));
  return text;
}

std::string float_section(const Report& report) {
  if (!report.floats) return "";
  return "\n## Integers or float by latency\n" + to_markdown(float_table(*report.floats)) + "\n" +
         float_explanation(*report.floats);
}

std::string floats(const Report& report) {
  if (!report.floats) return "";
  return heading("faster in float", float_table(*report.floats)) + "\n" + float_explanation(*report.floats);
}

std::string width_section(const Report& report) {
  if (!report.widths) return "";
  return section("Bits of weights", width_table(*report.widths)) + "\n" + width_explanation(*report.widths);
}

std::string widths(const Report& report) {
  if (!report.widths) return "";
  return heading("bits of weights", width_table(*report.widths)) + "\n" + width_explanation(*report.widths);
}

// Enough to name the culprits; `edgeopt sensitivity` shows all layers.
constexpr std::size_t culprit_count = 5;

std::string measured_damage(const Sensitivity& sensitivity) {
  return fmt::format("damage of each layer alone: {}; on {} samples\n", sensitivity.loss,
                     sensitivity.sample_count);
}

std::string culprit_section(const Report& report) {
  if (!report.sensitivity) return "";
  return section("Most harmful layers", sensitivity_table(*report.sensitivity, culprit_count)) + "\n" +
         measured_damage(*report.sensitivity);
}

std::string culprits(const Report& report) {
  if (!report.sensitivity) return "";
  return heading("most harmful layers", sensitivity_table(*report.sensitivity, culprit_count)) + "  " +
         measured_damage(*report.sensitivity);
}

std::string notes_section(const Report& report) {
  if (report.notes.empty()) return "";
  std::string text = "\n## Notes\n";
  for (const std::string& note : report.notes) text += fmt::format("- {}\n", note);
  return text;
}

std::string provenance_section(const Provenance& provenance) {
  std::string text = "\n## Provenance\n";
  std::string command = "edgeopt";
  for (const std::string& word : provenance.arguments) command += " " + word;
  text += fmt::format("- command: `{}`\n- seed {}, {} threads, {}\n", command, provenance.seed,
                      provenance.thread_count, provenance.created_at);
  text += fmt::format("- edgeopt {} ({}", provenance.edgeopt_version, provenance.compiler);
  for (const auto& [name, version] : provenance.libraries) text += fmt::format(", {} {}", name, version);
  const Machine& machine = provenance.machine;
  text += fmt::format(")\n- machine: {}, {} cores, {}, {}, {}; instruction sets: {}\n", machine.cpu_model,
                      machine.core_count, human_bytes(machine.memory_bytes), machine.operating_system,
                      machine.kernel, fmt::join(machine.isa_flags, " "));
  for (const NamedFile& file : provenance.files)
    text += fmt::format("- {}: `{}`, sha256 {}\n", file.role, file.path, file.sha256);
  return text;
}

}  // namespace

std::string report_to_markdown(const Report& report) {
  return fmt::format("# {}\n\n{}\n", report.result.file.path, report.outcome) +
         section("Goals", goal_table(report)) + section("Size and speed", model_table(report)) +
         measured_with(report) + section("Accuracy", accuracy_table(report)) +
         (report.accuracy.metrics.empty() ? "" : "\n" + judged_on(report)) + pruning_section(report) +
         sparsity_section(report) + learning_section(report) + quantization_section(report) +
         float_section(report) + width_section(report) + culprit_section(report) +
         section("Repairs", repair_table(report)) +
         section("Layers kept in float", kept_float_table(report)) + section("Passes", pass_table(report)) +
         fusion_check(report) + notes_section(report) + provenance_section(report.provenance);
}

std::string report_to_text(const Report& report) {
  std::string text = report.outcome + "\n" + heading("goals", goal_table(report)) +
                     heading("size and speed", model_table(report)) +
                     heading("accuracy", accuracy_table(report));
  if (!report.accuracy.metrics.empty())
    text += fmt::format("  on {} samples: {}{}\n", report.accuracy.sample_count, report.accuracy.judged_on,
                        report.accuracy.caution.empty() ? "" : "; caution: " + report.accuracy.caution);
  text += floats(report) + widths(report) + culprits(report) + heading("repairs", repair_table(report));
  text += heading("layers kept in float", kept_float_table(report));
  for (const std::string& note : report.notes) text += fmt::format("\nnote: {}\n", note);
  return text;
}

}  // namespace edgeopt
