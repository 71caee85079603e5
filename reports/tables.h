// The tables of a report, each drawn once for Markdown and once for a terminal.
#pragma once
#include <string>
#include <vector>

#include "reports/report.h"

namespace edgeopt {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// | a | b | with a rule below the header.
std::string to_markdown(const Table& table);
/// Columns of equal width, two spaces between them, indented by two.
std::string to_text(const Table& table);

/// Size, nodes, parameters, latency of both models, and the factor between them.
Table model_table(const Report& report);
/// Metrics with 95 % intervals.
Table accuracy_table(const Report& report);
/// Passes that did something or were dropped.
Table pass_table(const Report& report);
Table kept_float_table(const Report& report);
Table goal_table(const Report& report);
/// What was tried to meet the goals of accuracy.
Table repair_table(const Report& report);
/// The options that give the repaired model again; empty if none was kept.
std::string repair_explanation(const Report& report);

}  // namespace edgeopt
