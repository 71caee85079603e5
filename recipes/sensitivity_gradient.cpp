// Damage from gradients: with a random direction r at the outputs, g = J^T r at every layer at once, and the
// mean of (g . dx)^2 over directions is the loss that the layer's own error dx causes, to second order.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "ir/gradient/gradient.h"
#include "recipes/sensitivity_layers.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

/// Values without repetition, and where each of them is.
class Places {
 public:
  std::size_t add(ValueId value) {
    const auto found = std::ranges::find(values_, value);
    const auto place = static_cast<std::size_t>(found - values_.begin());
    if (found == values_.end()) values_.push_back(value);
    return place;
  }
  const std::vector<ValueId>& values() const { return values_; }

 private:
  std::vector<ValueId> values_;
};

class Estimation {
 public:
  explicit Estimation(const SensitivityStudy& study)
      : study_(study), results_(study.variants.size()), compared_(study.loss.compared_values(study.teacher)) {
    for (LayerSamples& result : results_) {
      result.damages.resize(static_cast<std::size_t>(study.sample_count));
      result.outputs.resize(static_cast<std::size_t>(study.sample_count));
    }
    for (const LayerVariant& variant : study.variants) {
      outputs_.push_back(places_.add(variant.layer.output));
      inputs_.emplace_back();
      for (const ValueId input : variant.layer.data_inputs) inputs_.back().push_back(places_.add(input));
      layers_.push_back(std::make_unique<SessionPool>(
          extract(variant.graph, variant.layer.data_inputs, std::vector<ValueId>{variant.output})));
    }
  }

  std::vector<LayerSamples> run() {
    const std::vector<ValueId> inputs = required_inputs(study_.teacher);
    SessionPool teacher(extract(study_.teacher, inputs, compared_));
    SessionPool backward(backward_graph());
    std::mutex lock;
    std::int64_t done = 0;
    parallel_for(study_.sample_count, [&](std::int64_t i, int worker) {
      const Tensors sample = study_.samples.read(i).inputs;
      estimate(i, worker, sample, {teacher.session(worker).run(sample), backward.session(worker)});
      const std::scoped_lock guard(lock);
      report_progress(study_.options.progress, "estimating damage", ++done, study_.sample_count);
    });
    return std::move(results_);
  }

 private:
  struct SampleRun {
    Tensors expected;
    Session& backward;
  };

  // inputs: the model's, then one direction per compared value; outputs: places_, then the gradient of each
  // layer's output.
  Graph backward_graph() const {
    std::vector<ValueId> outputs = places_.values();
    for (const ValueId value : compared_)
      if (std::ranges::find(outputs, value) == outputs.end()) outputs.push_back(value);
    const Graph forward = extract(study_.teacher, required_inputs(study_.teacher), outputs);
    const auto same = [&](ValueId value) {
      return forward.find_value(study_.teacher.name_of(value)).value();
    };
    Edit edit(forward);
    std::vector<ValueId> products;
    for (std::size_t k = 0; k < compared_.size(); ++k) {
      const ValueId value = same(compared_[k]);
      const ValueId direction = edit.add_input(fmt::format("direction_{}", k), forward.type_of(value));
      products.push_back(edit.add_node("Mul", {value, direction}));
    }
    std::vector<ValueId> layer_outputs;
    for (const LayerVariant& variant : study_.variants) layer_outputs.push_back(same(variant.layer.output));
    return gradient(edit.apply(), products, layer_outputs);
  }

  void estimate(std::int64_t i, int worker, const Tensors& sample, const SampleRun& run) {
    const auto place = static_cast<std::size_t>(i);
    RandomStream random(study_.options.seed, fmt::format("sensitivity of sample {}", i));
    std::vector<std::vector<double>> errors;
    for (int draw = 0; draw < study_.options.direction_count; ++draw) {
      Tensors inputs = sample;
      for (Tensor& direction : study_.loss.direction(run.expected, random))
        inputs.push_back(std::move(direction));
      const Tensors values = run.backward.run(inputs);
      if (draw == 0) errors = layer_errors(place, worker, values);
      for (std::size_t k = 0; k < study_.variants.size(); ++k) {
        const Tensor& g = values[values.size() - study_.variants.size() + k];
        const double moved = dot(g, errors[k]);
        results_[k].damages[place] += moved * moved / study_.options.direction_count;
      }
    }
  }

  // Each layer alone, from the float model's values: what its output is off by.
  std::vector<std::vector<double>> layer_errors(std::size_t sample, int worker, const Tensors& values) {
    std::vector<std::vector<double>> errors;
    for (std::size_t k = 0; k < study_.variants.size(); ++k) {
      const LayerVariant& variant = study_.variants[k];
      Tensors inputs;
      for (const std::size_t input : inputs_[k]) inputs.push_back(values[input]);
      const Tensor output = layers_[k]->session(worker).run(inputs)[0];
      const Tensor& exact = values[outputs_[k]];
      results_[k].outputs[sample] = sum_output(exact, output, variant.channel_axis, variant.range);
      errors.push_back(difference(output, exact));
    }
    return errors;
  }

  static std::vector<double> difference(const Tensor& a, const Tensor& b) {
    std::vector<double> result = to_doubles(a);
    const std::span<const float> other = b.data<float>();
    for (std::size_t i = 0; i < result.size(); ++i) result[i] -= static_cast<double>(other[i]);
    return result;
  }

  static double dot(const Tensor& g, const std::vector<double>& error) {
    const std::span<const float> elements = g.data<float>();
    double sum = 0;
    for (std::size_t i = 0; i < error.size(); ++i) sum += static_cast<double>(elements[i]) * error[i];
    return sum;
  }

  const SensitivityStudy& study_;
  std::vector<LayerSamples> results_;
  std::vector<ValueId> compared_;
  Places places_;
  std::vector<std::size_t> outputs_;              // of each layer, in places_
  std::vector<std::vector<std::size_t>> inputs_;  // likewise
  std::vector<std::unique_ptr<SessionPool>> layers_;
};

}  // namespace

std::vector<LayerSamples> estimate_layers(const SensitivityStudy& study) { return Estimation(study).run(); }

}  // namespace edgeopt
