#include "recipes/distill.h"

#include "ir/infer.h"
#include "passes/framework/pipeline.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_gradients = 13;  // ir/gradient.h

Graph raised(const Graph& model, std::string_view pass) {
  return run_pipeline(pipeline_of(pass), model, {}).graph;
}

Graph with_gradients(const Graph& model) {
  return model.opset() < first_opset_with_gradients ? raised(model, "raise_opset")
                                                    : with_inferred_types(model);
}

}  // namespace

Distilled distill_model(const Graph& student, const Graph& teacher, const SampleSource& samples,
                        const DistillationOptions& options) {
  Graph learner = with_gradients(student);
  Graph guide = with_gradients(teacher);
  // Both stand in one graph while they run, which has one opset.
  if (learner.opset() != guide.opset()) {
    learner = raised(learner, "raise_opset_to_21");
    guide = raised(guide, "raise_opset_to_21");
  }
  return distill(learner, guide, samples, options);
}

}  // namespace edgeopt
