// The registry: a file's name is the name of what it defines, and nothing is listed by hand.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "hwprofiles/profile.h"
#include "passes/framework/pipeline.h"
#include "tools/command.h"

namespace edgeopt {
namespace {

std::set<std::string> file_names(const std::vector<std::string>& folders, const std::string& extension) {
  std::set<std::string> names;
  for (const std::string& folder : folders)
    for (const auto& entry : std::filesystem::directory_iterator(EDGEOPT_SOURCE_DIR "/" + folder))
      if (entry.path().extension() == extension) names.insert(entry.path().stem().string());
  return names;
}

}  // namespace

TEST_CASE("every file in tools/commands is a command of its name") {
  std::set<std::string> names;
  for (const Command& command : all_commands()) names.insert(command.name);
  CHECK(names == file_names({"tools/commands"}, ".cpp"));
}

TEST_CASE("every pass is called as its file") {
  std::set<std::string> names;
  for (const Pass& pass : all_passes()) names.insert(pass.name);
  CHECK(names == file_names({"passes/convert", "passes/simplify", "passes/fuse", "passes/quantize"}, ".cpp"));
}

TEST_CASE("every file in hwprofiles is a profile of its name") {
  const std::vector<std::string> names = profile_names();
  CHECK(std::set<std::string>(names.begin(), names.end()) == file_names({"hwprofiles"}, ".toml"));
}

TEST_CASE("every pass of every pipeline exists and has a reason for its place") {
  for (const Pipeline& pipeline : all_pipelines())
    for (const Stage& stage : pipeline.stages)
      for (const Step& step : stage.steps) {
        CAPTURE(step.pass);
        CHECK_NOTHROW(find_pass(step.pass));
        CHECK_FALSE(step.reason.empty());
      }
}

TEST_CASE("every command explains itself with a summary and examples") {
  for (const Command& command : all_commands()) {
    CAPTURE(command.name);
    CHECK_FALSE(command.summary.empty());
    CHECK(command.examples.find("  edgeopt " + command.name) == 0);
  }
}

}  // namespace edgeopt
