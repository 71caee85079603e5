#include "recipes/distill.h"

#include "ir/infer.h"
#include "passes/framework/pipeline.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_gradients = 13;  // ir/gradient.h

Graph raised(const Graph& model) {
  if (model.opset() >= first_opset_with_gradients) return with_inferred_types(model);
  return run_pipeline(pipeline_of("raise_opset"), model, {}).graph;
}

}  // namespace

Distilled distill_model(const Graph& student, const Graph& teacher, const SampleSource& samples,
                        const DistillationOptions& options) {
  return distill(raised(student), raised(teacher), samples, options);
}

}  // namespace edgeopt
