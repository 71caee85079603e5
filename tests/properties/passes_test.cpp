// What every pass promises, on random graphs: legal, deterministic, idempotent, faithful.
#include <doctest/doctest.h>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "passes/framework/pipeline.h"
#include "tests/properties/random_graph.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

constexpr std::uint64_t seed_count = 60;
// What `edgeopt fuse` promises: outputs within 1e-4 of their scale.
constexpr double rounding_tolerance = 1e-4;

PassOutcome run(const Pass& pass, const Graph& graph) { return pass.run(graph, {}); }

void check_faithful(const Graph& before, const Graph& after, Fidelity fidelity, std::uint64_t seed) {
  const Tensors inputs = random_inputs(before, seed);
  const double tolerance = fidelity == Fidelity::exact ? 0 : rounding_tolerance;
  const auto difference = difference_beyond(evaluate(before, inputs), evaluate(after, inputs), tolerance);
  CHECK_MESSAGE(!difference, *difference);
}

void check_promises(const Pass& pass, const Graph& before, std::uint64_t seed) {
  const PassOutcome outcome = run(pass, before);
  if (outcome.rewrite_count == 0) {
    CHECK(outcome.graph == before);
    return;
  }
  INFO("after\n" << to_text(outcome.graph));
  CHECK_NOTHROW(verify(outcome.graph));
  const Graph after = with_inferred_types(outcome.graph);
  CHECK(run(pass, before).graph == outcome.graph);
  CHECK(run(pass, after).rewrite_count == 0);
  check_faithful(before, after, pass.fidelity, seed);
}

TEST_CASE("a pass changes how a model computes, never what") {
  for (std::uint64_t seed = 0; seed < seed_count; ++seed) {
    const Graph before = random_graph(seed);
    INFO("seed " << seed << "\n" << to_text(before));
    for (const Pass& pass : all_passes()) {
      if (pass.fidelity == Fidelity::lossy) continue;
      INFO("pass " << pass.name);
      CHECK_NOTHROW(check_promises(pass, before, seed));
    }
  }
}

TEST_CASE("the fuse pipeline keeps what random graphs compute, and finds nothing more the second time") {
  for (std::uint64_t seed = 0; seed < seed_count; ++seed) {
    const Graph before = random_graph(seed, 20);
    INFO("seed " << seed << "\n" << to_text(before));
    const Graph after = run_pipeline(named_pipeline("fuse"), before, {}).graph;
    INFO("after\n" << to_text(after));
    check_faithful(before, after, Fidelity::rounding, seed);
    CHECK(run_pipeline(named_pipeline("fuse"), after, {}).graph == after);
  }
}

}  // namespace
}  // namespace edgeopt
