// What was asked for: goals as they are written on the command line, and whether a result meets them.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace edgeopt {

enum class GoalKind { drop, latency_factor, latency_ms, size_factor, size_bytes, agreement, sqnr };

struct Goal {
  GoalKind kind = GoalKind::drop;
  double bound = 0;
  std::string text;  // as it was written
};

/// True for goals that damage to the outputs can miss: drop, agreement, sqnr.
bool is_about_accuracy(const Goal& goal);

bool is_about_size(const Goal& goal);
bool is_about_latency(const Goal& goal);

/// Bytes that the file may have by the tightest goal of size; nothing if there is none.
std::optional<double> largest_bytes(const std::vector<Goal>& goals, double original_bytes);

/// Milliseconds that a run may take by the tightest goal of latency; nothing if there is none.
std::optional<double> longest_ms(const std::vector<Goal>& goals, double original_ms);

/// "latency=2x", "latency=5ms", "size=4x", "size=500kB", "agreement=98" (percent), "sqnr=20" (dB),
/// "drop=0.5" (points of top-1).
/// throws  UserError naming the goals there are
Goal parse_goal(const std::string& text);

/// What goals are judged by; absent where it was not measured.
struct Achievement {
  double original_bytes = 0;
  double result_bytes = 0;
  std::optional<double> original_ms;
  std::optional<double> result_ms;
  std::optional<double> drop_points;
  std::optional<double> agreement_percent;
  std::optional<double> sqnr_db;
};

struct GoalOutcome {
  Goal goal;
  std::string achieved;  // in the goal's unit
  bool is_met = false;
  std::string why_not = {};
  bool is_measured = true;
};

GoalOutcome judge_goal(const Goal& goal, const Achievement& achievement);

}  // namespace edgeopt
