// Runs tests/passes/*.test (format: tests/support/golden.h). One file alone: -tc="golden*"
// -sc="fold_batch_norm*"
#include <doctest/doctest.h>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "passes/framework/pass.h"
#include "support/error.h"
#include "tests/support/golden.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

constexpr std::uint64_t seed = 1;
// A rewrite that reorders float arithmetic: some 80 roundings of 2^-23 each in the small graphs of golden
// cases.
constexpr double rounding_tolerance = 1e-5;

void check_numbers(const Graph& before, const Graph& after, Fidelity fidelity) {
  if (fidelity == Fidelity::lossy) return;
  const Tensors inputs = random_inputs(before, seed);
  const Tensors wanted = evaluate(before, inputs);
  const double tolerance = fidelity == Fidelity::exact ? 0 : rounding_tolerance;
  const auto difference = difference_beyond(wanted, evaluate(after, inputs), tolerance);
  CHECK_MESSAGE(!difference, difference.value_or(""));
}

void check_declined(const GoldenCase& golden, const Graph& before, const PassOutcome& outcome) {
  CHECK(outcome.rewrite_count == 0);
  CHECK(outcome.graph == before);
  std::string reasons;
  bool is_given = golden.declines->empty() && outcome.declined.empty();
  for (const auto& [reason, count] : outcome.declined) {
    is_given = is_given || reason == *golden.declines;
    reasons += "\n  " + reason;
  }
  CHECK_MESSAGE(is_given, "declines for other reasons:" << reasons);
}

void check_rewritten(const GoldenCase& golden, const Graph& before, const PassOutcome& outcome,
                     Fidelity fidelity) {
  std::string got = to_text(outcome.graph);
  for (const auto& [reason, count] : outcome.declined) got += "declined elsewhere: " + reason + "\n";
  INFO("got\n" << got);
  CHECK(outcome.rewrite_count > 0);
  CHECK_NOTHROW(verify(outcome.graph));
  const auto difference = structural_difference(golden.graph_after(), outcome.graph);
  CHECK_MESSAGE(!difference, difference.value_or(""));
  check_numbers(before, outcome.graph, fidelity);
}

void check_golden(const GoldenCase& golden) {
  const Pass& pass = find_pass(golden.setting("pass", ""));
  const Graph before = with_inferred_types(golden.graph_before());
  PassContext context;
  if (golden.settings.contains("profile")) context.profile = load_profile(golden.settings.at("profile"));
  const PassOutcome outcome = pass.run(before, context);
  if (golden.declines)
    check_declined(golden, before, outcome);
  else
    check_rewritten(golden, before, outcome, pass.fidelity);
}

TEST_CASE("golden rewrites: every pass does what its .test file shows") {
  static const std::vector<GoldenCase> cases = read_golden_cases(EDGEOPT_SOURCE_DIR "/tests/passes");
  CHECK_FALSE(cases.empty());
  for (const GoldenCase& golden : cases) {
    const std::string name = golden.file + ":" + std::to_string(golden.line) + ": " + golden.sentence;
    SUBCASE(name.c_str()) {
      INFO(name);
      CHECK_NOTHROW(check_golden(golden));
    }
  }
}

}  // namespace
}  // namespace edgeopt
