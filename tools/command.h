// A subcommand: what it is called, which options it declares, and its run, from options to an answer.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/progress.h"

namespace CLI {
class App;
}

namespace edgeopt {

inline constexpr int exit_done = 0;
inline constexpr int exit_goal_missed = 1;      // done, but the result is worse than asked
inline constexpr int exit_user_error = 2;       // the user can fix it
inline constexpr int exit_broken_promise = 70;  // EX_SOFTWARE of sysexits.h

/// What every command knows beside its own options.
struct RunContext {
  std::uint64_t seed = 1;
  /// Threads inside one timed run: --threads, or 1 if it was not given, since a run on all cores measures
  /// whatever else the machine is doing.
  int timed_thread_count = 1;
  Progress progress;
  std::function<void(const std::string& text)> warn;
  /// The command line as it was given, for reports.
  std::vector<std::string> arguments;
};

/// What a command has to say: for people, and for programs (--json).
struct Answer {
  std::string text;
  std::string json;
  int exit_code = exit_done;
};

struct Command {
  std::string name;
  std::string summary;
  std::string examples;  // shown below the options by --help
  std::function<void(CLI::App& app)> declare;
  std::function<Answer(const RunContext& context)> run;
};

/// What a command's file gives; the core never sees the command line.
template <typename Options>
struct CommandDefinition {
  std::string name;
  std::string summary;
  std::string examples;
  void (*declare)(CLI::App& app, Options& options) = nullptr;
  Answer (*run)(const Options& options, const RunContext& context) = nullptr;
};

template <typename Options>
Command command(const CommandDefinition<Options>& definition) {
  const auto options = std::make_shared<Options>();
  return {
      .name = definition.name,
      .summary = definition.summary,
      .examples = definition.examples,
      .declare = [=](CLI::App& app) { definition.declare(app, *options); },
      .run = [=](const RunContext& context) { return definition.run(*options, context); },
  };
}

/// All commands; generated from the files in tools/commands/.
const std::vector<Command>& all_commands();

}  // namespace edgeopt
