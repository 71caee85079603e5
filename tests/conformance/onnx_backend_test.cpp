// Every operator that edgeopt knows means what ONNX's own conformance suite says it means.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "ir/evaluate.h"
#include "tests/conformance/backend_cases.h"

namespace edgeopt::conformance {
namespace {

void check_case(const std::filesystem::path& folder, const Outcome& outcome) {
  static const std::map<std::string, std::string> listed = expected_failures();
  const std::string name = folder.filename().string();
  const bool is_listed = listed.contains(name);
  if (outcome.verdict == Verdict::failed && !is_listed)
    FAIL_CHECK(fmt::format("{}: {}", name, outcome.reason));
  if (outcome.verdict != Verdict::failed && is_listed)
    FAIL_CHECK(fmt::format("{}: is listed as an expected failure, but does not fail", name));
}

void check_family(const std::string& family, const Runner& run) {
  const std::vector<std::filesystem::path> folders = cases_of(family);
  if (folders.empty()) {
    MESSAGE(fmt::format("skipped: {} holds no {} cases", suite_folder().string(), family));
    return;
  }
  std::map<Verdict, int> counts;
  std::map<std::string, int> unknown;
  for (const std::filesystem::path& folder : folders) {
    const Outcome outcome = run_case(folder, run);
    ++counts[outcome.verdict];
    if (outcome.verdict == Verdict::unknown) ++unknown[outcome.reason];
    check_case(folder, outcome);
  }
  MESSAGE(fmt::format("{}: {} passed, {} failed, {} with an unknown operator", family,
                      counts[Verdict::passed], counts[Verdict::failed], counts[Verdict::unknown]));
  std::string names;
  for (const auto& [name, count] : unknown) names += fmt::format(" {}({})", name, count);
  if (!names.empty()) MESSAGE(fmt::format("unknown operators:{}", names));
}

TEST_CASE("the slow evaluation passes ONNX's node cases") { check_family("node", evaluate); }
TEST_CASE("the slow evaluation passes ONNX's simple cases") { check_family("simple", evaluate); }
TEST_CASE("the slow evaluation passes ONNX's pytorch-operator cases") {
  check_family("pytorch-operator", evaluate);
}
TEST_CASE("the slow evaluation passes ONNX's pytorch-converted cases") {
  check_family("pytorch-converted", evaluate);
}

}  // namespace
}  // namespace edgeopt::conformance
