// The project's own source files, for tests about the house itself.
#include "tests/house/sources.h"

#include <algorithm>
#include <fstream>

namespace edgeopt {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> floors = {"support",     "ir",     "hwprofiles", "runtime",
                                         "calibration", "passes", "recipes",    "reports",
                                         "tools",       "tests",  "bench"};

SourceFile read_source(const fs::path& root, const fs::path& file) {
  SourceFile source{.path = fs::relative(file, root).generic_string()};
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) source.lines.push_back(line);
  return source;
}

bool is_source(const fs::directory_entry& entry) {
  const std::string extension = entry.path().extension().string();
  return entry.is_regular_file() && (extension == ".h" || extension == ".cpp");
}

}  // namespace

std::vector<SourceFile> source_files() {
  const fs::path root = EDGEOPT_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& folder : floors) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (is_source(entry)) files.push_back(read_source(root, entry.path()));
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

bool is_code(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != std::string::npos && line.compare(first, 2, "//") != 0;
}

int code_line_count(const SourceFile& file) {
  return static_cast<int>(std::count_if(file.lines.begin(), file.lines.end(), is_code));
}

}  // namespace edgeopt
