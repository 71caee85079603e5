// The pipelines of passes/pipelines.cpp on whole models: what they promise of the results.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "ir/evaluate.h"
#include "ir/onnx/onnx.h"
#include "passes/framework/pipeline.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

constexpr std::uint64_t seed = 1;
// What `edgeopt fuse` promises: outputs within 1e-4 of their scale.
constexpr double rounding_tolerance = 1e-4;
const std::filesystem::path models = EDGEOPT_SOURCE_DIR "/../shared/models";

TEST_CASE("pipelines: every step names a pass and gives a reason") {
  for (const Pipeline& pipeline : all_pipelines())
    for (const Stage& stage : pipeline.stages)
      for (const Step& step : stage.steps) {
        CHECK_NOTHROW(find_pass(step.pass));
        CHECK_FALSE(step.reason.empty());
      }
}

void check_same_results(const std::string& name) {
  const std::filesystem::path path = models / (name + ".onnx");
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: there is no " << path.string());
    return;
  }
  const Graph original = load_model(path);
  const PipelineOptions options = {.context = {.profile = load_profile("x86_avx512_vnni")}};
  const Graph prepared = run_pipeline(named_pipeline("prepare_quantization"), original, options).graph;
  const Graph equalized = run_pipeline(named_pipeline("equalize"), prepared, options).graph;
  CHECK(prepared.opset() >= 13);
  const Tensors inputs = random_inputs(original, seed);
  const Tensors wanted = evaluate(original, inputs);
  for (const Graph& changed : {prepared, equalized}) {
    const auto difference = difference_beyond(wanted, evaluate(changed, inputs), rounding_tolerance);
    CHECK_MESSAGE(!difference, name << ": " << difference.value_or(""));
  }
}

TEST_CASE("pipelines: models prepared for quantization and equalized give the same results") {
  for (const char* name : {"mnist-cntk", "kws-dscnn", "resnet20-cifar10", "ultraface-slim320"})
    check_same_results(name);
}

TEST_CASE(
    "pipelines: a weight listed as an input is quantized though raising the opset adds other constants") {
  const Graph graph = graph_from_text(R"(g (float[1,1,2,2] x, float[1,1,1,1] w) => (float[1,1] y)
    <float[1,1,1,1] w = {2}>
    { c = Conv(x, w)  p = GlobalAveragePool(c)  y = Squeeze<axes = [2, 3]>(p) })",
                                      {.opset = 11, .ir_version = 6});
  const Graph prepared = run_pipeline(named_pipeline("prepare_quantization"), graph, {}).graph;
  CHECK(prepared.inputs().size() == 1);
  CHECK(prepared.constant(prepared.find_value("w").value()).has_value());
}

}  // namespace
}  // namespace edgeopt
