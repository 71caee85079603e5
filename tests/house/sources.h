// The project's own source files, for tests about the house itself.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace edgeopt {

struct SourceFile {
  std::string path;  // from the root, with /
  std::vector<std::string> lines;

  std::string folder() const { return path.substr(0, path.find('/')); }
};

/// All .h and .cpp files of the house in the order of their paths.
std::vector<SourceFile> source_files();

/// True if the line is neither blank nor a comment alone.
bool is_code(const std::string& line);

/// Lines that are neither blank nor comment alone.
int code_line_count(const SourceFile& file);

}  // namespace edgeopt
