// The program without its process: words in, exit code out.
#pragma once
#include <string>
#include <vector>

namespace edgeopt {

/// Runs `edgeopt WORDS...`: answers go to standard output, errors as one line to standard error.
/// returns  the exit code: 0, 1, 2 or 70 (tools/command.h)
int run_program(const std::vector<std::string>& words);

}  // namespace edgeopt
