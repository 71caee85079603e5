// Golden rewrites, tests/passes/*.test: a graph before, `=>`, the graph after; or `declines: reason`.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// One case of a .test file. Lines before the first `case:` hold for every case, lines after it for that one:
///   pass: NAME            the pass to run
///   opset: 11             of the graphs (18 if left out); `profile: NAME` likewise
///   ranges: x -1 6, y 0 2 observed ranges, for passes that read them
///   decided: w int4 4 axis 0 scales 1 2, x uint8 4 asymmetric scales 1 zeros 3
///                         Value::quantization: type, bits, and the rest where it differs from the default
///   opset_after: 21       of the second graph, if it differs
///   case: a sentence
///   graph => graph        the separator `=>` stands alone on its line; lines that begin with # are comments
///   declines: the reason  instead of the second graph; empty if the pass says nothing
struct GoldenCase {
  std::string file;
  int line = 0;
  std::string sentence;
  std::map<std::string, std::string> settings;
  std::string before;
  std::optional<std::string> after;
  std::optional<std::string> declines;

  std::string setting(const std::string& key, const std::string& otherwise) const;
  Graph graph_before() const;
  Graph graph_after() const;
};

/// The cases of all files `*.test` in a folder, in the order of their names.
/// throws  UserError naming file and line of what is out of place
std::vector<GoldenCase> read_golden_cases(const std::filesystem::path& folder);

}  // namespace edgeopt
