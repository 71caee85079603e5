#include "recipes/distill.h"

#include "ir/infer.h"
#include "passes/framework/pipeline.h"

namespace edgeopt {
namespace {

constexpr int first_opset_with_gradients = 13;  // ir/gradient/gradient.h

Graph after_pass(const Graph& graph, std::string_view pass) {
  return run_pipeline(pipeline_of(pass), graph, {}).graph;
}

// Weights that an old exporter lists among the inputs are constants from here on: before raising, whose new
// constants hide that all are listed.
Graph with_gradients(const Graph& given) {
  const Graph model = after_pass(given, "remove_constants_from_inputs");
  return model.opset() < first_opset_with_gradients ? after_pass(model, "raise_opset")
                                                    : with_inferred_types(model);
}

}  // namespace

Distilled distill_model(const Graph& student, const Graph& teacher, const SampleSource& samples,
                        const DistillationOptions& options) {
  Graph learner = with_gradients(student);
  Graph guide = with_gradients(teacher);
  // Both stand in one graph while they run, which has one opset.
  if (learner.opset() != guide.opset()) {
    learner = after_pass(learner, "raise_opset_to_21");
    guide = after_pass(guide, "raise_opset_to_21");
  }
  return distill(learner, guide, samples, options);
}

}  // namespace edgeopt
