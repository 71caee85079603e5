// The tables of a report, each drawn once for Markdown and once for a terminal.
#include "reports/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/ratio.h"
#include "reports/write.h"

namespace edgeopt {
namespace {

std::string unit_suffix(const std::string& unit, bool is_difference) {
  if (unit == "percent") return is_difference ? " points" : " %";
  return unit.empty() ? "" : " " + unit;
}

std::string with_interval(const Interval& interval, const Metric& metric, bool is_signed) {
  const int digits = metric.unit.empty() || metric.unit == "nats" ? 4 : 2;
  const auto text = [&](double value) {
    if (!std::isfinite(value)) return std::string(value > 0 ? "inf" : "-inf");
    return is_signed ? fmt::format("{:+.{}f}", value, digits) : fmt::format("{:.{}f}", value, digits);
  };
  return fmt::format("{}{} [{}, {}]", text(interval.value), unit_suffix(metric.unit, is_signed),
                     text(interval.low), text(interval.high));
}

std::string ratio_text(Ratio (*ratio)(double, double), double before, double after) {
  if (before <= 0 || after <= 0) return "";
  const Ratio told = ratio(before, after);
  return fmt::format("{} {}", told.figure, told.word);
}

std::string escape_cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

void add_latency_rows(const Report& report, Table& table) {
  if (!report.original_latency || !report.result_latency) return;
  const LatencyFacts& before = *report.original_latency;
  const LatencyFacts& after = *report.result_latency;
  const auto row = [&](const std::string& name, double old_ms, double new_ms) {
    table.rows.push_back({name, fmt::format("{:.3f} ms", old_ms), fmt::format("{:.3f} ms", new_ms),
                          ratio_text(latency_ratio, old_ms, new_ms)});
  };
  row("latency, median", before.median_ms, after.median_ms);
  row("latency, 5th percentile", before.p5_ms, after.p5_ms);
  row("latency, 95th percentile", before.p95_ms, after.p95_ms);
  if (before.arena_bytes > 0 && after.arena_bytes > 0)
    table.rows.push_back({"activation memory", human_bytes(before.arena_bytes),
                          human_bytes(after.arena_bytes),
                          ratio_text(size_ratio, static_cast<double>(before.arena_bytes),
                                     static_cast<double>(after.arena_bytes))});
}

}  // namespace

std::string to_markdown(const Table& table) {
  std::string text = "|";
  for (const std::string& cell : table.header) text += fmt::format(" {} |", cell);
  text += "\n|";
  for (std::size_t i = 0; i < table.header.size(); ++i) text += "---|";
  text += '\n';
  for (const auto& row : table.rows) {
    text += '|';
    for (const std::string& cell : row) text += fmt::format(" {} |", escape_cell(cell));
    text += '\n';
  }
  return text;
}

std::string to_text(const Table& table) {
  std::vector<std::size_t> widths(table.header.size(), 0);
  const auto widen = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  widen(table.header);
  for (const auto& row : table.rows) widen(row);
  std::string text;
  const auto draw = [&](const std::vector<std::string>& row) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  };
  draw(table.header);
  for (const auto& row : table.rows) draw(row);
  return text;
}

Table model_table(const Report& report) {
  const ModelFacts& before = report.original;
  const ModelFacts& after = report.result;
  Table table{.header = {"", "original", "result", ""}};
  table.rows.push_back({"file size", human_bytes(before.file.size_bytes), human_bytes(after.file.size_bytes),
                        ratio_text(size_ratio, static_cast<double>(before.file.size_bytes),
                                   static_cast<double>(after.file.size_bytes))});
  table.rows.push_back({"nodes", std::to_string(before.node_count), std::to_string(after.node_count), ""});
  add_latency_rows(report, table);
  return table;
}

Table accuracy_table(const Report& report) {
  Table table{.header = {"metric", "original", "result", "difference (paired)"}};
  for (const Metric& metric : report.accuracy.metrics)
    table.rows.push_back({metric.name, metric.original ? with_interval(*metric.original, metric, false) : "",
                          metric.result ? with_interval(*metric.result, metric, false) : "",
                          metric.difference ? with_interval(*metric.difference, metric, true) : ""});
  return table;
}

Table pass_table(const Report& report) {
  Table table{.header = {"pass", "rewrites", "time", ""}};
  for (const PassFacts& pass : report.passes)
    if (pass.rewrite_count > 0 || pass.dropped_because)
      table.rows.push_back({pass.pass, std::to_string(pass.rewrite_count),
                            fmt::format("{:.1f} ms", pass.time_ms),
                            pass.dropped_because ? "dropped: " + *pass.dropped_because : ""});
  return table;
}

Table kept_float_table(const Report& report) {
  Table table{.header = {"node", "operator", "kept in float because"}};
  if (!report.quantization) return table;
  for (const KeptFloatFacts& layer : report.quantization->kept_float)
    table.rows.push_back({layer.node, layer.op_type, layer.reason});
  return table;
}

Table repair_table(const Report& report) {
  Table table{.header = {"repair", "achieved", ""}};
  for (const RepairFacts& repair : report.repairs) {
    std::string achieved;
    for (const auto& [goal, figure] : repair.achieved)
      achieved += fmt::format("{}{}: {}", achieved.empty() ? "" : "; ", goal, figure);
    table.rows.push_back({repair.what, achieved, repair.is_kept ? "kept" : "not enough"});
  }
  return table;
}

std::string repair_explanation(const Report& report) {
  for (const RepairFacts& repair : report.repairs)
    if (repair.is_kept) return fmt::format("the same again: {}", fmt::join(repair.arguments, " "));
  return "";
}

Table goal_table(const Report& report) {
  Table table{.header = {"goal", "achieved", "", ""}};
  for (const GoalFacts& goal : report.goals)
    table.rows.push_back({goal.goal, goal.achieved, goal.is_met ? "met" : "MISSED", goal.why_not});
  return table;
}

}  // namespace edgeopt
