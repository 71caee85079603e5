// The program without its process: choose the command, read its options, run it, print its answer.
#include "tools/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "support/error.h"
#include "support/file.h"
#include "support/parallel.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/global_options.h"
#include "tools/option_checks.h"
#include "tools/suggest.h"

namespace edgeopt {
namespace {

constexpr std::string_view version_text = "edgeopt " EDGEOPT_VERSION "\n";

const Command& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : all_commands()) {
    if (command.name == name) return command;
    names.push_back(command.name);
  }
  if (name.starts_with('-'))
    throw UserError(fmt::format("'{}' comes before the command; write `edgeopt COMMAND {} ...`", name, name));
  throw UserError(fmt::format("unknown command '{}'{} (`edgeopt help` lists the commands)", name,
                              did_you_mean(name, names)));
}

std::string overview() {
  std::size_t widest = 0;
  for (const Command& command : all_commands()) widest = std::max(widest, command.name.size());
  std::string text =
      "edgeopt makes trained ONNX models smaller and faster for edge devices, and measures what that "
      "cost.\n\n"
      "usage: edgeopt COMMAND [options]\n\ncommands:\n";
  for (const Command& command : all_commands())
    text += fmt::format("  {:<{}}  {}\n", command.name, widest, command.summary);
  return text +
         "\n`edgeopt help COMMAND` explains one command with examples; `edgeopt --version` tells the "
         "version.\n"
         "\nstart here:\n"
         "  edgeopt optimize model.onnx --data samples.npz -o small.onnx --report report/\n"
         "\nexit codes: 0 done, 1 done but worse than asked, 2 something you can fix, 70 a bug in edgeopt\n";
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// CLI11 reports what is missing before what is unknown; but a misspelt option is the likelier mistake.
[[noreturn]] void refuse_arguments(const CLI::App& app, const std::string& message) {
  for (const std::string& word : app.remaining()) {
    if (!word.starts_with('-')) continue;
    const std::string option = word.substr(0, word.find('='));
    throw UserError(fmt::format("unknown option '{}'{} (`{} --help` lists the options)", option,
                                did_you_mean(option, option_names(app)), app.get_name()));
  }
  if (!app.remaining().empty())
    throw UserError(fmt::format("'{}' is one argument too many (`{} --help` shows the usage)",
                                app.remaining().front(), app.get_name()));
  throw UserError(fmt::format("{} (`{} --help` shows the usage)", message, app.get_name()));
}

void print_help(const CLI::App& app, const Command& command) {
  print_answer(fmt::format("{}\nexamples:\n{}", app.help(), command.examples));
}

/// returns  false if the words asked for help, which was given
bool parse_arguments(CLI::App& app, const Command& command, const std::vector<std::string>& words) {
  app.allow_extras();
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp&) {
    print_help(app, command);
    return false;
  } catch (const CLI::ParseError& error) {
    refuse_arguments(app, error.what());
  }
  if (!app.remaining().empty()) refuse_arguments(app, "");
  refuse_overwriting(app);
  return true;
}

void print(const Answer& answer, const GlobalOptions& options) {
  if (options.json == "-") return print_answer(answer.json + "\n");
  if (!options.is_quiet) print_answer(answer.text);
  if (!options.json.empty()) write_file(options.json, answer.json + "\n");
}

int run_command(const Command& command, const std::vector<std::string>& words) {
  CLI::App app(command.summary, "edgeopt " + command.name);
  GlobalOptions options;
  command.declare(app);
  declare_global_options(app, options);
  if (!parse_arguments(app, command, words)) return exit_done;
  apply(options);
  if (!options.json.empty() && options.json != "-") require_writable(options.json);
  RunContext context = run_context(options);
  context.arguments.push_back(command.name);
  context.arguments.insert(context.arguments.end(), words.begin(), words.end());
  const Answer answer = command.run(context);
  print(answer, options);
  return answer.exit_code;
}

int help(const std::vector<std::string>& words) {
  if (words.size() > 1) return run_command(find_command(words[1]), {"--help"});
  print_answer(overview());
  return exit_done;
}

int choose_command(const std::vector<std::string>& words) {
  if (words.empty()) throw UserError("no command given; `edgeopt help` lists the commands");
  const std::string& first = words.front();
  if (first == "help" || first == "--help" || first == "-h") return help(words);
  if (first == "--version" || first == "version") {
    print_answer(version_text);
    return exit_done;
  }
  return run_command(find_command(first), {words.begin() + 1, words.end()});
}

}  // namespace

int run_program(const std::vector<std::string>& words) {
  try {
    return choose_command(words);
  } catch (const UserError& error) {
    print_error(error.what());
    return exit_user_error;
  } catch (const std::filesystem::filesystem_error& error) {
    print_error(error.what());
    return exit_user_error;
  } catch (const std::bad_alloc&) {
    print_error("out of memory; use a smaller model, fewer threads or a larger machine");
    return exit_user_error;
  } catch (const std::exception& error) {
    print_error(fmt::format("internal error: {}; please report this with the command line and the model",
                            error.what()));
    return exit_broken_promise;
  }
}

}  // namespace edgeopt
