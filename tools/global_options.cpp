// The options that every command has.
#include "tools/global_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <map>

#include "support/error.h"
#include "support/parallel.h"
#include "tools/console.h"
#include "tools/option_checks.h"

namespace edgeopt {
namespace {

struct InstructionSet {
  const char* dnnl_name;  // ONEDNN_MAX_CPU_ISA of oneDNN's developer guide, "CPU dispatcher control"
  bool is_supported;
};

const std::map<std::string, InstructionSet>& instruction_sets() {
  static const std::map<std::string, InstructionSet> sets = {
      {"sse41", {"SSE41", __builtin_cpu_supports("sse4.1") != 0}},
      {"avx2", {"AVX2", __builtin_cpu_supports("avx2") != 0}},
      {"avx512", {"AVX512_CORE", __builtin_cpu_supports("avx512bw") != 0}},
      {"avx512_vnni", {"AVX512_CORE_VNNI", __builtin_cpu_supports("avx512vnni") != 0}},
  };
  return sets;
}

std::vector<std::string> instruction_set_names() {
  std::vector<std::string> names;
  for (const auto& [name, set] : instruction_sets()) names.push_back(name);
  return names;
}

}  // namespace

void declare_global_options(CLI::App& app, GlobalOptions& options) {
  const std::string group = "Everywhere";
  app.add_option("--json", options.json,
                 "Write what is printed as JSON to this file, or - for standard output")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--seed", options.seed, "Seed of everything random")
      ->check(unsigned_number())
      ->capture_default_str()
      ->group(group);
  app.add_option("--threads", options.threads, "Threads to use; 0: one per core, and one for timed runs")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--quiet", options.is_quiet, "Print errors only")->group(group);
  app.add_option("--log-level", options.log_level, "Least important message to print")
      ->check(one_of({"error", "warning", "info"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--isa", options.isa, "Newest instruction set to use, for the same bytes on other machines")
      ->check(one_of(instruction_set_names()))
      ->group(group);
}

void apply(const GlobalOptions& options) {
  if (options.threads > 0) set_thread_count(options.threads);
  if (options.isa.empty()) return;
  const InstructionSet& set = instruction_sets().at(options.isa);
  if (!set.is_supported) throw UserError("--isa " + options.isa + ": this machine does not have it");
  setenv("ONEDNN_MAX_CPU_ISA", set.dnnl_name, 1);
}

RunContext run_context(const GlobalOptions& options) {
  const bool warns = !options.is_quiet && options.log_level != "error";
  RunContext context;
  context.seed = options.seed;
  context.timed_thread_count = std::max(1, options.threads);
  if (!options.is_quiet) context.progress = progress_bar();
  context.warn = [warns](const std::string& text) {
    if (warns) print_warning(text);
  };
  return context;
}

}  // namespace edgeopt
