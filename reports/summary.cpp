// A Report as a Document. The figures first, then what was done, then how to do it again.
#include "reports/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "reports/compression_report.h"
#include "reports/float_report.h"
#include "reports/report_charts.h"
#include "reports/sensitivity_report.h"
#include "reports/sparsity_report.h"
#include "reports/width_report.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

using Style = Span::Style;

Paragraph judged_on(const Report& report) {
  const AccuracyFacts& accuracy = report.accuracy;
  if (accuracy.metrics.empty()) return {};
  Paragraph paragraph = plain(fmt::format("Judged on {} samples: {}. 95 % confidence intervals in brackets.",
                                          accuracy.sample_count, accuracy.judged_on));
  if (accuracy.caution.empty()) return paragraph;
  paragraph.words.push_back({" "});
  paragraph.words.push_back({"Caution:", Style::strong});
  paragraph.words.push_back({fmt::format(" {}.", accuracy.caution)});
  return paragraph;
}

Paragraph measured_with(const Report& report) {
  if (!report.result_latency) return {};
  const LatencyFacts& latency = *report.result_latency;
  return plain(
      fmt::format("Latency: {} engine, {} thread{}, {} runs after {} to warm up, one sample per run, on {}.",
                  latency.engine, latency.thread_count, latency.thread_count == 1 ? "" : "s",
                  latency.times_ms.size(), latency.warmup_count, report.provenance.machine.cpu_model));
}

Paragraph fusion_check(const Report& report) {
  if (!report.fusion_relative_error) return {};
  return plain(
      fmt::format("Simplifying and fusing moved the outputs by {:.2g} of their scale at most, on {}.",
                  *report.fusion_relative_error, report.fusion_checked_on));
}

Section section(const std::string& title, std::vector<Block> blocks) {
  Section result{.title = title};
  for (Block& block : blocks) add(result, std::move(block));
  return result;
}

Section detail(const std::string& title, std::vector<Block> blocks) {
  Section result = section(title, std::move(blocks));
  result.is_detail = true;
  return result;
}

void add_pruning(Document& document, const PruningFacts& pruning) {
  const CostChange& cost = pruning.multiply_adds;
  add(document,
      section("Channels pruned",
              {channel_chart(pruning), pruned_group_table(pruning.groups),
               plain(fmt::format("{:.1f} % of the multiply-adds stay{}.", 100 * cost.result / cost.original,
                                 pruning.meets_budget ? "" : "; the budget was out of reach"))}));
  add(document, detail("Channels left alone", {unpruned_table(pruning.kept)}));
  if (!pruning.trials.empty())
    add(document, detail("Ways of pruning tried for the goals", {share_table(pruning.trials)}));
}

void add_sparsity(Document& document, const SparsityFacts& facts) {
  add(document,
      section("Zeros among the weights", {zero_chart(facts), zero_table(facts),
                                          plain(fmt::format("{}; errors are relative to the layer's output.",
                                                            sparsity_headline(facts)))}));
  add(document, detail("Layers left dense", {dense_table(facts)}));
  if (facts.after_repair)
    add(document, section("What repair regained", {repair_table(*facts.before_repair, *facts.after_repair)}));
}

// Enough to see how a loss falls; report.json has all points.
constexpr std::size_t loss_row_count = 12;

void add_learning(Document& document, const LearningFacts& learning) {
  add(document, section(fmt::format("What {} learned", learning.who),
                        {learning_chart(learning), learning_table(learning, loss_row_count)}));
}

void add_quantization(Document& document, const QuantizationFacts& facts) {
  List steps;
  for (const auto& [name, result] : facts.steps)
    steps.items.push_back({{fmt::format("{}: {}", name, result)}});
  add(document,
      section("Quantization",
              {plain(fmt::format("{} with ranges by {} over {} samples ({}), for the profile {}; {} layers "
                                 "run in integers.",
                                 facts.scheme, facts.observer, facts.sample_count, facts.calibrated_on,
                                 facts.profile, facts.integer_layer_count)),
               std::move(steps)}));
}

// Enough to name the culprits; `edgeopt sensitivity` shows all layers.
constexpr std::size_t culprit_count = 5;
constexpr std::size_t drawn_layer_count = 20;

void add_culprits(Document& document, const Sensitivity& sensitivity) {
  add(document,
      section("Most harmful layers",
              {damage_chart(sensitivity, drawn_layer_count), range_chart(sensitivity),
               sensitivity_table(sensitivity, culprit_count), plain(sensitivity_explanation(sensitivity))}));
}

Section notes(const Report& report) {
  List list;
  for (const std::string& note : report.notes) list.items.push_back({{note}});
  return section("Notes", {std::move(list)});
}

Sentence machine_words(const Machine& machine) {
  return {{fmt::format("machine: {}, {} cores, {}, {}, {}; instruction sets: {}", machine.cpu_model,
                       machine.core_count, human_bytes(machine.memory_bytes), machine.operating_system,
                       machine.kernel, fmt::join(machine.isa_flags, " "))}};
}

Section provenance_section(const Provenance& provenance) {
  std::string command = "edgeopt",
              program = fmt::format("edgeopt {} ({}", provenance.edgeopt_version, provenance.compiler);
  for (const std::string& word : provenance.arguments) command += " " + word;
  for (const auto& [name, version] : provenance.libraries) program += fmt::format(", {} {}", name, version);
  List list{{{{"command: "}, {command, Style::code}},
             {{fmt::format("seed {}, {} threads, {}", provenance.seed, provenance.thread_count,
                           provenance.created_at)}},
             {{program + ")"}},
             machine_words(provenance.machine)}};
  for (const NamedFile& file : provenance.files)
    list.items.push_back(
        {{file.role + ": "}, {file.path, Style::code}, {fmt::format(", sha256 {}", file.sha256)}});
  return detail("Provenance", {std::move(list)});
}

Verdict verdict_of(const std::vector<GoalFacts>& goals) {
  if (goals.empty()) return Verdict::none;
  return std::ranges::all_of(goals, &GoalFacts::is_met) ? Verdict::met : Verdict::missed;
}

}  // namespace

Document summary_of(const Report& report) {
  Document document{.title = report.result.file.path,
                    .outcome = report.outcome,
                    .verdict = verdict_of(report.goals),
                    .headlines = headlines_of(report)};
  add(document, section("Goals", {goal_table(report)}));
  add(document, section("Size and speed", {size_chart(report), latency_chart(report), model_table(report),
                                           measured_with(report)}));
  add(document,
      section("Accuracy", {accuracy_chart(report.accuracy), accuracy_table(report), judged_on(report)}));
  if (report.pruning) add_pruning(document, *report.pruning);
  if (report.sparsity) add_sparsity(document, *report.sparsity);
  for (const LearningFacts& learning : report.learning) add_learning(document, learning);
  if (report.quantization) add_quantization(document, *report.quantization);
  if (report.floats)
    add(document, section("Integers or float by latency",
                          {float_table(*report.floats), plain(float_explanation(*report.floats))}));
  if (report.widths)
    add(document,
        section("Bits of weights", {width_table(*report.widths), plain(width_explanation(*report.widths))}));
  if (report.sensitivity) add_culprits(document, *report.sensitivity);
  std::vector<Block> repairs = {repair_table(report)};
  if (const std::string same = repair_explanation(report); !same.empty()) repairs.emplace_back(plain(same));
  add(document, section("Repairs", std::move(repairs)));
  add(document, detail("Layers kept in float", {kept_float_table(report)}));
  add(document, detail("Passes", {pass_table(report), fusion_check(report)}));
  add(document, notes(report));
  add(document, provenance_section(report.provenance));
  return document;
}

}  // namespace edgeopt
