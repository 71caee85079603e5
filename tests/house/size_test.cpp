// Files and functions stay small enough to be read at once.
#include <doctest/doctest.h>

#include <cstdlib>
#include <regex>

#include "tests/house/sources.h"

namespace edgeopt {
namespace {

constexpr int most_code_lines = 300;
constexpr int most_function_lines = 40;

/// "    if (x) {" -> 4
std::size_t indent_of(const std::string& line) { return std::min(line.find_first_not_of(' '), line.size()); }

// As clang-format lays functions out: "... ) {" at the margin or two in, up to "}" below it.
bool begins_function(const std::string& line) {
  static const std::regex head(R"(^(  )?[A-Za-z~].*\)( const| noexcept| override)*( -> \S+)? \{$)");
  static const std::regex statement(R"(^ *(if|for|while|switch|else|do|return|namespace|TEST_CASE)\b.*)");
  const bool is_lambda = line.find("](") != std::string::npos || line.find("]<") != std::string::npos;
  return std::regex_match(line, head) && !std::regex_match(line, statement) && !is_lambda;
}

struct FunctionSize {
  std::string head;
  int lines = 0;
};

std::vector<FunctionSize> function_sizes(const SourceFile& file) {
  std::vector<FunctionSize> sizes;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (!begins_function(file.lines[i])) continue;
    const std::string end = std::string(indent_of(file.lines[i]), ' ') + "}";
    FunctionSize size{.head = file.lines[i]};
    for (std::size_t k = i + 1; k < file.lines.size() && file.lines[k] != end; ++k)
      size.lines += is_code(file.lines[k]);
    sizes.push_back(size);
  }
  return sizes;
}

}  // namespace

TEST_CASE("no file has more than 300 lines of code") {
  for (const SourceFile& file : source_files()) {
    CAPTURE(file.path);
    CHECK(code_line_count(file) <= most_code_lines);
  }
}

TEST_CASE("no function has more than 40 lines") {
  for (const SourceFile& file : source_files())
    for (const FunctionSize& function : function_sizes(file)) {
      CAPTURE(file.path);
      CAPTURE(function.head);
      CHECK(function.lines <= most_function_lines);
    }
}

TEST_CASE("a long function is found, at the margin and in a class") {
  SourceFile file{.path = "x.cpp", .lines = {"int f(int x) {"}};
  file.lines.insert(file.lines.end(), 41, "  ++x;");
  file.lines.insert(file.lines.end(), {"}", "class C {", "  int g() const {", "    return 1;", "  }", "};"});
  const std::vector<FunctionSize> sizes = function_sizes(file);
  REQUIRE(sizes.size() == 2);
  CHECK(sizes[0].lines == 41);
  CHECK(sizes[1].lines == 1);
}

TEST_CASE("sources are formatted as .clang-format says") {
  if (std::system("command -v clang-format > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: clang-format is not installed");
    return;
  }
  const std::string command =
      "cd '" EDGEOPT_SOURCE_DIR "' && git ls-files '*.h' '*.cpp' | xargs -r clang-format --dry-run --Werror";
  CHECK(std::system(command.c_str()) == 0);
}

}  // namespace edgeopt
