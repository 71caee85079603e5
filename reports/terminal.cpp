// What a terminal shows: the figures, and what to look at.
#include <fmt/format.h>

#include "reports/float_report.h"
#include "reports/sensitivity_report.h"
#include "reports/tables.h"
#include "reports/width_report.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

std::string heading(const std::string& title, const Table& table) {
  return table.rows.empty() ? "" : fmt::format("\n{}:\n{}", title, to_text(table));
}

std::string floats(const Report& report) {
  if (!report.floats) return "";
  return heading("faster in float", float_table(*report.floats)) + "\n" + float_explanation(*report.floats) +
         "\n";
}

std::string widths(const Report& report) {
  if (!report.widths) return "";
  return heading("bits of weights", width_table(*report.widths)) + "\n" + width_explanation(*report.widths) +
         "\n";
}

// Enough to name the culprits; `edgeopt sensitivity` shows all layers.
constexpr std::size_t culprit_count = 5;

std::string culprits(const Report& report) {
  if (!report.sensitivity) return "";
  return heading("most harmful layers", sensitivity_table(*report.sensitivity, culprit_count)) + "  " +
         sensitivity_explanation(*report.sensitivity) + "\n";
}

}  // namespace

std::string report_to_text(const Report& report) {
  std::string text = report.outcome + "\n" + heading("goals", goal_table(report)) +
                     heading("size and speed", model_table(report)) +
                     heading("accuracy", accuracy_table(report));
  if (!report.accuracy.metrics.empty())
    text += fmt::format("  on {} samples: {}{}\n", report.accuracy.sample_count, report.accuracy.judged_on,
                        report.accuracy.caution.empty() ? "" : "; caution: " + report.accuracy.caution);
  text += floats(report) + widths(report) + culprits(report) + heading("repairs", repair_table(report));
  if (const std::string same = repair_explanation(report); !same.empty()) text += "\n" + same + "\n";
  text += heading("layers kept in float", kept_float_table(report));
  for (const std::string& note : report.notes) text += fmt::format("\nnote: {}\n", note);
  return text;
}

}  // namespace edgeopt
