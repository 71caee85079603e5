#include "recipes/sensitivity.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "ir/edit.h"
#include "ir/infer.h"
#include "ir/op.h"
#include "passes/quantization_plan.h"
#include "recipes/sensitivity_layers.h"
#include "support/error.h"

namespace edgeopt {
namespace {

int channel_axis_of(const Graph& graph, const Layer& layer) {
  const std::optional<Shape>& shape = graph.type_of(layer.output).shape;
  if (!shape || shape->size() < 2) return -1;
  return graph.node(layer.node).is("Conv") ? 1 : static_cast<int>(shape->size()) - 1;
}

std::int64_t multiply_adds_of(const Graph& graph, const Node& node) {
  const OpDefinition* op = find_op(node);
  if (!op || !op->count_cost) return 0;
  const std::vector<Operand> inputs = operands_of(graph, node);
  const std::vector<Operand> outputs = {{.type = graph.type_of(node.outputs[0])}};
  const auto has_shape = [](const Operand& operand) { return !operand.is_present || operand.has_shape(); };
  if (!std::ranges::all_of(inputs, has_shape) || !outputs[0].has_shape()) return 0;
  return op->count_cost({.node = node, .opset = graph.opset(), .inputs = inputs}, outputs).multiply_adds;
}

// A quantized output stands behind the pair that the quantizer put there.
ValueId output_in(const Graph& variant, const std::string& name) {
  if (const std::optional<ValueId> dequantized = variant.find_value(name + "_dequantized"))
    return *dequantized;
  return variant.find_value(name).value();
}

class Variants {
 public:
  Variants(const Graph& teacher, const QuantizeOptions& options, const Graph* rounded)
      : teacher_(teacher), options_(options), rounded_(rounded) {}

  std::vector<LayerVariant> make() {
    const QuantizationPlan plan = plan_for(options_.keep_float);
    for (const Layer& layer : plan.layers)
      if (layer.kind == LayerKind::computes) names_.push_back(label_of(teacher_, teacher_.node(layer.node)));
    std::vector<LayerVariant> variants;
    for (const Layer& layer : plan.layers)
      if (layer.kind == LayerKind::computes) variants.push_back(variant_of(layer));
    return variants;
  }

 private:
  QuantizationPlan plan_for(const std::vector<std::string>& keep_float) const {
    std::set<std::string> names = options_.widths.float_layers();
    names.insert(keep_float.begin(), keep_float.end());
    return plan_quantization(teacher_, options_.profile.quantization, names);
  }

  LayerVariant variant_of(const Layer& layer) const {
    const Node& node = teacher_.node(layer.node);
    QuantizeOptions alone = options_;
    const std::string name = label_of(teacher_, node);
    std::ranges::copy_if(names_, std::back_inserter(alone.keep_float),
                         [&](const std::string& other) { return other != name; });
    LayerVariant variant{.layer = layer,
                         .name = name,
                         .op_type = node.op_type,
                         .graph = quantize_with_ranges(with_rounded_weight(node), alone).graph,
                         .channel_axis = channel_axis_of(teacher_, layer),
                         .multiply_adds = multiply_adds_of(teacher_, node)};
    variant.output = output_in(variant.graph, teacher_.name_of(layer.output));
    constexpr double infinite = std::numeric_limits<double>::infinity();
    const QuantizationPlan plan = plan_for(alone.keep_float);
    const auto found = plan.activations.find(layer.output);
    variant.range = {.min = -infinite, .max = infinite};
    if (found != plan.activations.end()) {
      const Range covered = covered_range(found->second.parameters, found->second.scheme);
      const double half_step = static_cast<double>(found->second.parameters.scale) / 2;
      variant.range = {.min = covered.min - half_step, .max = covered.max + half_step};
    }
    return variant;
  }

  Graph with_rounded_weight(const Node& node) const {
    if (!rounded_ || !teacher_.constant(node.inputs[1])) return teacher_;
    const Value& weight = rounded_->value(rounded_->node(node.id).inputs[1]);
    Edit edit(teacher_);
    const ValueId own = edit.add_constant(weight.constant.value(), weight.name);
    edit.set_quantization(own, weight.quantization);
    edit.set_input(node.id, 1, own);
    return edit.apply();
  }

  const Graph& teacher_;
  const QuantizeOptions& options_;
  const Graph* rounded_;
  std::vector<std::string> names_;
};

double mean_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

}  // namespace

std::vector<LayerVariant> layer_variants(const Graph& teacher, const QuantizeOptions& options,
                                         const Graph* rounded) {
  return Variants(teacher, options, rounded).make();
}

Sensitivity layer_sensitivity(const Graph& ranged, const SampleSource& samples,
                              const QuantizeOptions& quantize, const SensitivityOptions& options) {
  if (samples.count < 1) throw UserError("there are no samples to measure damage on");
  const Graph teacher = with_inferred_types(ranged);
  const std::vector<LayerVariant> variants = layer_variants(teacher, quantize, options.rounded);
  if (variants.empty()) throw NothingToQuantize("no layer would be quantized, so none can be ranked");
  const std::int64_t count = std::min(samples.count, options.largest_sample_count);
  const OutputLoss loss(teacher, samples, count);
  const SensitivityStudy study{teacher, variants, samples, count, loss, options};
  const std::vector<LayerSamples> results =
      options.method == SensitivityMethod::measured ? measure_layers(study) : estimate_layers(study);

  Sensitivity sensitivity{.method = options.method,
                          .loss = loss.description(),
                          .sample_count = count,
                          .samples = samples.description};
  for (std::size_t k = 0; k < variants.size(); ++k) {
    LayerDamage layer{.node = variants[k].name,
                      .op_type = variants[k].op_type,
                      .damage = mean_of(results[k].damages),
                      .evidence = evidence_of(results[k].outputs),
                      .multiply_adds = variants[k].multiply_adds};
    layer.evidence.range = teacher.value(variants[k].layer.output).range.value_or(Range{});
    sensitivity.layers.push_back(std::move(layer));
  }
  std::ranges::stable_sort(sensitivity.layers, std::ranges::greater{}, &LayerDamage::damage);
  return sensitivity;
}

}  // namespace edgeopt
