// What was asked for: goals as they are written on the command line, and whether a result meets them.
#include "recipes/goals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace edgeopt {
namespace {

struct Form {
  std::string name;    // in front of "="
  std::string suffix;  // behind the number
  GoalKind kind;
  double unit;  // the bound is the number times this
};

// Longer suffixes first: "kB" ends with "B".
const std::vector<Form>& goal_forms() {
  static const std::vector<Form> forms = {
      {"latency", "x", GoalKind::latency_factor, 1},
      {"latency", "ms", GoalKind::latency_ms, 1},
      {"size", "x", GoalKind::size_factor, 1},
      {"size", "kB", GoalKind::size_bytes, 1e3},
      {"size", "MB", GoalKind::size_bytes, 1e6},
      {"size", "B", GoalKind::size_bytes, 1},
      {"agreement", "", GoalKind::agreement, 1},
      {"sqnr", "", GoalKind::sqnr, 1},
      {"drop", "", GoalKind::drop, 1},
  };
  return forms;
}

std::optional<double> parse_number(const std::string& text) {
  std::size_t used = 0;
  try {
    const double number = std::stod(text, &used);
    if (used == text.size() && std::isfinite(number) && number >= 0) return number;
  } catch (const std::logic_error&) {
    // std::stod found no number: the caller says so.
  }
  return std::nullopt;
}

// Nothing takes no time or no bytes, and no share is above 100 %.
bool can_be_met(GoalKind kind, double number) {
  const bool is_percent = kind == GoalKind::agreement || kind == GoalKind::drop;
  const bool may_be_zero = is_percent || kind == GoalKind::sqnr;
  return (number > 0 || may_be_zero) && (number <= 100 || !is_percent);
}

GoalOutcome unmeasured(const Goal& goal, const std::string& why) {
  return {.goal = goal, .achieved = "not measured", .is_met = false, .why_not = why, .is_measured = false};
}

// Two digits, and no minus in front of nothing.
std::string rounded(double number, const std::string& unit) {
  const std::string text = fmt::format("{:.2f}", number);
  return (text == "-0.00" ? "0.00" : text) + unit;
}

GoalOutcome at_least(const Goal& goal, double achieved, const std::string& unit) {
  const bool is_met = achieved >= goal.bound;
  return {.goal = goal,
          .achieved = rounded(achieved, unit),
          .is_met = is_met,
          .why_not = is_met ? "" : rounded(goal.bound - achieved, unit) + " below the goal"};
}

GoalOutcome at_most(const Goal& goal, double achieved, const std::string& unit) {
  const bool is_met = achieved <= goal.bound;
  return {.goal = goal,
          .achieved = rounded(achieved, unit),
          .is_met = is_met,
          .why_not = is_met ? "" : rounded(achieved - goal.bound, unit) + " above the goal"};
}

GoalOutcome judge_latency(const Goal& goal, const Achievement& achievement) {
  if (!achievement.original_ms || !achievement.result_ms)
    return unmeasured(goal, "the model could not be run on this machine");
  if (goal.kind == GoalKind::latency_ms) return at_most(goal, *achievement.result_ms, " ms");
  return at_least(goal, *achievement.original_ms / *achievement.result_ms, "x");
}

GoalOutcome judge_size(const Goal& goal, const Achievement& achievement) {
  if (goal.kind == GoalKind::size_bytes) return at_most(goal, achievement.result_bytes, " bytes");
  return at_least(goal, achievement.original_bytes / achievement.result_bytes, "x");
}

GoalOutcome judge_accuracy(const Goal& goal, const Achievement& achievement) {
  if (goal.kind == GoalKind::drop)
    return achievement.drop_points ? at_most(goal, *achievement.drop_points, " points")
                                   : unmeasured(goal, "there were no labels to measure top-1 with");
  const std::optional<double>& measured =
      goal.kind == GoalKind::agreement ? achievement.agreement_percent : achievement.sqnr_db;
  if (!measured) return unmeasured(goal, "there were no samples to judge on");
  return at_least(goal, *measured, goal.kind == GoalKind::agreement ? " %" : " dB");
}

}  // namespace

bool is_about_accuracy(const Goal& goal) {
  return goal.kind == GoalKind::drop || goal.kind == GoalKind::agreement || goal.kind == GoalKind::sqnr;
}

bool is_about_latency(const Goal& goal) {
  return goal.kind == GoalKind::latency_factor || goal.kind == GoalKind::latency_ms;
}

bool is_about_size(const Goal& goal) {
  return goal.kind == GoalKind::size_factor || goal.kind == GoalKind::size_bytes;
}

std::optional<double> largest_bytes(const std::vector<Goal>& goals, double original_bytes) {
  std::optional<double> least;
  for (const Goal& goal : goals) {
    if (!is_about_size(goal)) continue;
    const double bytes = goal.kind == GoalKind::size_bytes ? goal.bound : original_bytes / goal.bound;
    least = std::min(least.value_or(bytes), bytes);
  }
  return least;
}

std::optional<double> longest_ms(const std::vector<Goal>& goals, double original_ms) {
  std::optional<double> least;
  for (const Goal& goal : goals) {
    if (!is_about_latency(goal)) continue;
    const double ms = goal.kind == GoalKind::latency_ms ? goal.bound : original_ms / goal.bound;
    least = std::min(least.value_or(ms), ms);
  }
  return least;
}

Goal parse_goal(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::string rest = equals == std::string::npos ? "" : text.substr(equals + 1);
  for (const Form& form : goal_forms()) {
    if (form.name != name || !rest.ends_with(form.suffix)) continue;
    const auto number = parse_number(rest.substr(0, rest.size() - form.suffix.size()));
    if (number && can_be_met(form.kind, *number))
      return {.kind = form.kind, .bound = *number * form.unit, .text = text};
  }
  throw UserError(
      fmt::format("'{}' is no goal; goals are latency=2x, latency=5ms, size=4x, size=500kB, agreement=98 "
                  "(percent), sqnr=20 (dB) and drop=0.5 (points of top-1)",
                  text));
}

GoalOutcome judge_goal(const Goal& goal, const Achievement& achievement) {
  switch (goal.kind) {
    case GoalKind::latency_factor:
    case GoalKind::latency_ms:
      return judge_latency(goal, achievement);
    case GoalKind::size_factor:
    case GoalKind::size_bytes:
      return judge_size(goal, achievement);
    default:
      return judge_accuracy(goal, achievement);
  }
}

}  // namespace edgeopt
