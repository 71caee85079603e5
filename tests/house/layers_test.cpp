// Includes go one way: support <- ir <- {hwprofiles, runtime} <- calibration; {ir, hwprofiles} <- passes;
// {calibration, passes, runtime, hwprofiles} <- recipes <- reports <- tools.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/house/sources.h"

namespace edgeopt {
namespace {

const std::map<std::string, std::set<std::string>>& allowed_floors() {
  static const std::set<std::string> all = {"support",     "ir",     "hwprofiles", "runtime",
                                            "calibration", "passes", "recipes"};
  static const std::map<std::string, std::set<std::string>> floors = [] {
    std::map<std::string, std::set<std::string>> table = {
        {"support", {}},
        {"ir", {"support"}},
        {"hwprofiles", {"support", "ir"}},
        {"runtime", {"support", "ir"}},
        {"calibration", {"support", "ir", "hwprofiles", "runtime"}},
        {"passes", {"support", "ir", "hwprofiles"}},
        {"recipes", all},
    };
    table["reports"] = all;
    table["tools"] = all;
    table["tools"].insert("reports");
    for (auto& [name, floor] : table) floor.insert(name);
    return table;
  }();
  return floors;
}

std::string included_file(const std::string& line, char open) {
  static const std::regex quoted(R"(^\s*#include "([^"]+)\".*)");
  static const std::regex angled(R"(^\s*#include <([^>]+)>.*)");
  std::smatch match;
  return std::regex_match(line, match, open == '"' ? quoted : angled) ? match[1].str() : "";
}

bool may_include(const SourceFile& file, const std::string& included) {
  const auto floor = allowed_floors().find(file.folder());
  if (floor == allowed_floors().end()) return true;  // tests and benchmarks see everything
  return floor->second.contains(included.substr(0, included.find('/')));
}

/// Files that include a header whose name begins like this, and lie in none of the folders.
std::vector<std::string> strangers(const std::string& header, const std::vector<std::string>& folders) {
  std::vector<std::string> found;
  for (const SourceFile& file : source_files()) {
    const auto holds = [&](const std::string& folder) { return file.path.starts_with(folder); };
    if (std::any_of(folders.begin(), folders.end(), holds)) continue;
    for (const std::string& line : file.lines)
      if (included_file(line, '<').starts_with(header)) found.push_back(file.path);
  }
  return found;
}

}  // namespace

TEST_CASE("no file includes a floor above its own") {
  for (const SourceFile& file : source_files())
    for (const std::string& line : file.lines) {
      const std::string included = included_file(line, '"');
      if (included.empty()) continue;
      CAPTURE(file.path);
      CAPTURE(line);
      CHECK(may_include(file, included));
    }
}

TEST_CASE("an include from the floor above is found") {
  CHECK_FALSE(may_include({.path = "ir/graph.cpp"}, "passes/framework/pass.h"));
  CHECK_FALSE(may_include({.path = "passes/fuse/x.cpp"}, "runtime/engine.h"));
  CHECK_FALSE(may_include({.path = "passes/fuse/x.cpp"}, "calibration/samples/samples.h"));
  CHECK_FALSE(may_include({.path = "reports/json.cpp"}, "tools/command.h"));
  CHECK(may_include({.path = "tools/commands/fuse.cpp"}, "ir/graph.h"));
}

TEST_CASE("Protobuf is seen by the ONNX reader and writer alone") {
  CHECK(strangers("google/protobuf", {"ir/onnx/", "tests/"}) == std::vector<std::string>{});
  CHECK(strangers("onnx/", {"ir/onnx/", "tests/"}) == std::vector<std::string>{});
}

TEST_CASE("oneDNN is seen by the kernels alone") {
  CHECK(strangers("oneapi/dnnl", {"runtime/kernels/", "tests/runtime/"}) == std::vector<std::string>{});
  CHECK(strangers("dnnl", {"runtime/kernels/", "tests/runtime/"}) == std::vector<std::string>{});
}

TEST_CASE("CLI11 is seen by the programs alone") {
  CHECK(strangers("CLI/", {"tools/", "tests/", "bench/"}) == std::vector<std::string>{});
}

}  // namespace edgeopt
