// The options that every command has.
#pragma once
#include <cstdint>
#include <string>

#include "tools/command.h"

namespace edgeopt {

struct GlobalOptions {
  std::string json;  // a file, "-" for standard output, empty for none
  std::uint64_t seed = 1;
  int threads = 0;  // 0: one per core
  bool is_quiet = false;
  std::string log_level = "warning";
  std::string isa;
};

void declare_global_options(CLI::App& app, GlobalOptions& options);

/// Sets what the whole process shares: threads and the instruction set.
/// throws  UserError if this machine does not know the instruction set
void apply(const GlobalOptions& options);

RunContext run_context(const GlobalOptions& options);

}  // namespace edgeopt
