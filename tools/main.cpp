// The process: signals, arguments, exit code.
#include "support/file.h"
#include "tools/program.h"

int main(int argc, char** argv) {
  edgeopt::remove_unfinished_files_on_signals();
  return edgeopt::run_program({argv + 1, argv + argc});
}
