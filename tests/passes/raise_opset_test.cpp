// Whole models of opset 8 to 11, raised to 13: the same results. What single operators become:
// raise_opset.test.
#include <doctest/doctest.h>

#include <filesystem>

#include "ir/evaluate.h"
#include "ir/infer.h"
#include "ir/onnx/onnx.h"
#include "passes/framework/pass.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

constexpr std::uint64_t seed = 1;
const std::filesystem::path models = EDGEOPT_SOURCE_DIR "/../shared/models";

Graph raised(const Graph& graph) {
  const PassOutcome outcome = find_pass("raise_opset").run(graph, {});
  for (const auto& [reason, count] : outcome.declined) FAIL_CHECK(reason);
  return outcome.graph;
}

void check_model(const std::string& name, int opset) {
  const std::filesystem::path path = models / (name + ".onnx");
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: there is no " << path.string());
    return;
  }
  const Graph before = with_inferred_types(load_model(path));
  CHECK(before.opset() == opset);
  const Graph after = raised(before);
  CHECK(after.opset() == 13);
  CHECK_NOTHROW(verify(after));
  const Tensors inputs = random_inputs(before, seed);
  const auto difference = difference_beyond(evaluate(before, inputs), evaluate(after, inputs), 0);
  CHECK_MESSAGE(!difference, name << ": " << difference.value_or(""));
}

TEST_CASE("raise_opset: a model of opset 8 gives the same results") { check_model("mnist-cntk", 8); }
TEST_CASE("raise_opset: a model of opset 9 gives the same results") { check_model("ultraface-slim320", 9); }
TEST_CASE("raise_opset: models of opset 11 give the same results") {
  check_model("squeezenet-imagenet", 11);
  check_model("nanodet-m-320", 11);
  check_model("dtln-1", 11);
}

TEST_CASE(
    "raise_opset: constants leave the inputs where a later IR version would let callers override them") {
  const Graph before =
      graph_from_text("g (float[2] x, float[2] c) => (float[2] y) <float[2] c = {1, 2}> { y = Add(x, c) }",
                      {.opset = 8, .ir_version = 3});
  REQUIRE(before.inputs().size() == 2);
  const Graph after = raised(before);
  CHECK(after.header().ir_version == 7);
  CHECK(after.inputs().size() == 1);
  CHECK(after.constant(*after.find_value("c")).has_value());
}

TEST_CASE("raise_opset: constants that callers may override already stay inputs") {
  const Graph before =
      graph_from_text("g (float[2] x, float[2] c) => (float[2] y) <float[2] c = {1, 2}> { y = Add(x, c) }",
                      {.opset = 10, .ir_version = 5});
  const Graph after = raised(before);
  CHECK(after.header().ir_version == 7);
  CHECK(after.inputs().size() == 2);
}

TEST_CASE("raise_opset: nodes in branches are raised too") {
  const Graph before = graph_from_text(R"(g (bool b, float[3] x) => (float[3] y) {
      y = If(b) <
        then_branch = one () => (float[3] p) { p = Clip<min = 0.0>(x) },
        else_branch = two () => (float[3] q) { q = Neg(x) }
      > })",
                                       {.opset = 10});
  const Graph after = raised(with_inferred_types(before));
  const Tensor x = Tensor::of<float>({3}, {-1, 0, 2});
  const Tensor yes = Tensor(DataType::boolean, {});
  for (const Tensor& condition : {yes, from_int64s(DataType::boolean, {}, {1})})
    CHECK(evaluate(before, {condition, x}) == evaluate(after, {condition, x}));
}

}  // namespace
}  // namespace edgeopt
