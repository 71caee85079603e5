// Every operator that edgeopt knows means what ONNX's own conformance suite says it means.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "ir/evaluate.h"
#include "runtime/engine.h"
#include "tests/conformance/backend_cases.h"

namespace edgeopt::conformance {
namespace {

// What runs the cases, and the list of those that it fails.
struct Subject {
  Runner run;
  std::string failures;
};

const Subject slow_evaluation{evaluate, "expected_failures.txt"};
const Subject native_engine{
    [](const Graph& graph, const Tensors& inputs) { return compile(graph)->run(inputs); },
    "expected_failures_of_engine.txt"};

struct Tally {
  std::map<Verdict, int> counts;
  std::map<std::string, int> unknown;
};

void check_case(const std::string& name, const Outcome& outcome, bool is_listed) {
  if (outcome.verdict == Verdict::failed && !is_listed)
    FAIL_CHECK(fmt::format("{}: {}", name, outcome.reason));
  if (outcome.verdict != Verdict::failed && is_listed)
    FAIL_CHECK(fmt::format("{}: is listed as an expected failure, but does not fail", name));
}

void print_tally(const std::string& family, Tally& tally) {
  MESSAGE(fmt::format("{}: {} passed, {} failed, {} with an unknown operator", family,
                      tally.counts[Verdict::passed], tally.counts[Verdict::failed],
                      tally.counts[Verdict::unknown]));
  std::string names;
  for (const auto& [name, count] : tally.unknown) names += fmt::format(" {}({})", name, count);
  if (!names.empty()) MESSAGE(fmt::format("unknown operators:{}", names));
}

void check_family(const std::string& family, const Subject& subject) {
  const std::vector<std::filesystem::path> folders = cases_of(family);
  if (folders.empty()) {
    MESSAGE(fmt::format("skipped: {} holds no {} cases", suite_folder().string(), family));
    return;
  }
  const std::map<std::string, std::string> listed = expected_failures(subject.failures);
  Tally tally;
  for (const std::filesystem::path& folder : folders) {
    const std::string name = folder.filename().string();
    const Outcome outcome = run_case(folder, subject.run);
    ++tally.counts[outcome.verdict];
    if (outcome.verdict == Verdict::unknown) ++tally.unknown[outcome.reason];
    check_case(name, outcome, listed.contains(name));
  }
  print_tally(family, tally);
}

TEST_CASE("the slow evaluation passes ONNX's node cases") { check_family("node", slow_evaluation); }
TEST_CASE("the slow evaluation passes ONNX's simple cases") { check_family("simple", slow_evaluation); }
TEST_CASE("the slow evaluation passes ONNX's pytorch-operator cases") {
  check_family("pytorch-operator", slow_evaluation);
}
TEST_CASE("the slow evaluation passes ONNX's pytorch-converted cases") {
  check_family("pytorch-converted", slow_evaluation);
}

TEST_CASE("the native engine passes ONNX's node cases") { check_family("node", native_engine); }
TEST_CASE("the native engine passes ONNX's simple cases") { check_family("simple", native_engine); }
TEST_CASE("the native engine passes ONNX's pytorch-operator cases") {
  check_family("pytorch-operator", native_engine);
}
TEST_CASE("the native engine passes ONNX's pytorch-converted cases") {
  check_family("pytorch-converted", native_engine);
}

}  // namespace
}  // namespace edgeopt::conformance
