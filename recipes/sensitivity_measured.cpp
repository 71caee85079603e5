// Damage by running: the float model advances layer by layer over all samples, and at each layer what follows
// it is run once with that layer in integers.
#include <algorithm>

#include "calibration/staged_run.h"
#include "recipes/sensitivity_layers.h"

namespace edgeopt {
namespace {

class Measurement {
 public:
  explicit Measurement(const SensitivityStudy& study)
      : study_(study), results_(study.variants.size()), compared_(study.loss.compared_values(study.teacher)) {
    for (LayerSamples& result : results_) {
      result.damages.resize(static_cast<std::size_t>(study.sample_count));
      result.outputs.resize(static_cast<std::size_t>(study.sample_count));
    }
  }

  std::vector<LayerSamples> run() {
    const std::int64_t affordable =
        affordable_sample_count(study_.teacher, study_.options.largest_memory_bytes);
    for (std::int64_t begin = 0; begin < study_.sample_count; begin += affordable)
      measure_samples(begin, std::min(begin + affordable, study_.sample_count));
    return std::move(results_);
  }

 private:
  void measure_samples(std::int64_t begin, std::int64_t end) {
    const SampleSource samples = slice_samples(study_.samples, begin, end);
    StagedRun run(samples, samples.count);
    std::vector<Tensors> expected(static_cast<std::size_t>(samples.count));
    run.look_ahead(study_.teacher, compared_, [&](std::int64_t i, const Tensors& outputs) {
      expected[static_cast<std::size_t>(i)] = outputs;
    });
    for (std::size_t k = 0; k < study_.variants.size(); ++k) {
      const NodeId node = study_.variants[k].layer.node;
      run.compute(study_.teacher, study_.teacher.node(node).outputs[0], [](std::int64_t, const Tensor&) {});
      measure_layer(k, run, expected, begin);
      report_progress(
          study_.options.progress, "quantizing one layer at a time",
          begin * std::ssize(study_.variants) + (end - begin) * (static_cast<std::int64_t>(k) + 1),
          study_.sample_count * std::ssize(study_.variants));
    }
  }

  void measure_layer(std::size_t k, const StagedRun& run, const std::vector<Tensors>& expected,
                     std::int64_t begin) {
    const LayerVariant& variant = study_.variants[k];
    Tensors exact(expected.size());
    const std::vector<ValueId> own = {variant.layer.output};
    run.look_ahead(study_.teacher, own, [&](std::int64_t i, const Tensors& outputs) {
      exact[static_cast<std::size_t>(i)] = outputs[0];
    });
    std::vector<ValueId> targets = study_.loss.compared_values(variant.graph);
    const auto place = static_cast<std::size_t>(std::ranges::find(targets, variant.output) - targets.begin());
    if (place == targets.size()) targets.push_back(variant.output);
    run.look_ahead(variant.graph, targets, [&](std::int64_t i, const Tensors& outputs) {
      const auto sample = static_cast<std::size_t>(i);
      const auto overall = static_cast<std::size_t>(begin + i);
      results_[k].damages[overall] = study_.loss.loss(expected[sample], outputs);
      results_[k].outputs[overall] =
          sum_output(exact[sample], outputs[place], variant.channel_axis, variant.range);
    });
  }

  const SensitivityStudy& study_;
  std::vector<LayerSamples> results_;
  std::vector<ValueId> compared_;
};

}  // namespace

std::vector<LayerSamples> measure_layers(const SensitivityStudy& study) { return Measurement(study).run(); }

}  // namespace edgeopt
