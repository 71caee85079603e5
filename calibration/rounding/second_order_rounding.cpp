#include "calibration/rounding/second_order_rounding.h"

#include <algorithm>
#include <cmath>

#include "calibration/layers/integer_layers.h"
#include "calibration/rounding/input_products.h"
#include "calibration/rounding/layer_rounding.h"
#include "calibration/rounding/teacher_rows.h"
#include "calibration/staged_run.h"
#include "ir/edit.h"

namespace edgeopt {
namespace {

// Integers per step of the student's activations in which the teacher's are taken: 255 steps of four are
// below the 1023 that InputRows holds.
constexpr double teacher_fineness = 4;

struct Target {
  IntegerLayer layer;
  RoundingTask task;
  double step = 0;  // of the layer's input
};

double step_of(const Graph& student, ValueId input) {
  const Node* dequantize = student.producer(input, "DequantizeLinear");
  const std::optional<Tensor> scale = dequantize ? student.constant(dequantize->inputs[1]) : std::nullopt;
  if (!scale || scale->element_count() != 1) return 0;
  const int bits = bit_count(student.type_of(dequantize->inputs[0]).dtype);
  // Of more than 8 bits the upper 8 say enough.
  return static_cast<double>(scale->data<float>()[0]) * std::ldexp(1.0, std::max(0, bits - 8));
}

// The integer bias that can follow; a row that a later Add brings is corrected when all layers are rounded.
const Node* bias_of(const Graph& prepared, const Graph& student, NodeId id) {
  const Node& node = student.node(id);
  const Node* dequantize = node.has_input(2) ? student.producer(node.inputs[2], "DequantizeLinear") : nullptr;
  return dequantize && prepared.node(id).has_input(2) && prepared.constant(prepared.node(id).inputs[2])
             ? dequantize
             : nullptr;
}

// A weight that others read too stays as it is for them.
std::optional<Target> target_at(const Graph& prepared, const Graph& student, NodeId id,
                                const SecondOrderOptions& options) {
  if (!prepared.contains(id)) return std::nullopt;
  const auto layer = integer_layer_at(student, student.node(id));
  const Node& node = prepared.node(id);
  if (!layer || node.op_type != student.node(id).op_type) return std::nullopt;
  const std::optional<Tensor> weight = prepared.constant(node.inputs[1]);
  const std::optional<QuantizationScheme> scheme = options.scheme_of(node);
  if (!weight || !scheme || !prepared.has_single_use(node.inputs[1])) return std::nullopt;
  const std::optional<WeightMatrix> matrix = weight_matrix(node, weight->dims());
  if (!matrix || (layer->axis >= 0 && layer->axis != matrix->output_axis)) return std::nullopt;
  const double step = step_of(student, student.node(id).inputs[0]);
  if (!(step > 0)) return std::nullopt;
  const std::span<const float> scales = layer->scales.data<float>();
  return Target{
      .layer = *layer,
      .task = {.matrix = *matrix,
               .scheme = *scheme,
               .weight = *weight,
               .scales = {scales.begin(), scales.end()},
               .is_bias_corrected = options.corrects_biases && bias_of(prepared, student, id) != nullptr},
      .step = step};
}

// The float bias with what the means lost, for the new scales.
void set_bias(Edit& edit, const Node& dequantize, const Target& target, const RoundedLayer& rounded,
              const Tensor& bias) {
  const Graph& student = edit.draft();
  const Tensor old_scales = student.constant(dequantize.inputs[1]).value();
  std::vector<float> scales, values;
  for (std::size_t c = 0; c < rounded.scales.size(); ++c)
    scales.push_back(old_scales.data<float>()[c] * (rounded.scales[c] / target.task.scales[c]));
  for (std::size_t c = 0; c < rounded.shifts.size(); ++c)
    values.push_back(
        static_cast<float>(static_cast<double>(bias.data<float>()[c]) + rounded.shifts[c] * target.step));
  edit.set_input(dequantize.id, 0,
                 edit.add_constant(quantize_bias(Tensor::of<float>(bias.dims(), values), scales)));
  edit.set_input(dequantize.id, 1, edit.add_constant(Tensor::of<float>(old_scales.dims(), scales)));
}

// The student computes on with the new integers and their bias.
Graph with_rounded_layer(const Graph& student, const Graph& prepared, const Target& target,
                         const RoundedLayer& rounded) {
  Edit edit(student);
  const Tensor scales = Tensor::of<float>(target.layer.scales.dims(), rounded.scales);
  edit.set_input(
      target.layer.dequantize, 0,
      edit.add_constant(store_integers(rounded.integers, target.task.weight.dims(), DataType::int8)));
  edit.set_input(target.layer.dequantize, 1, edit.add_constant(scales));
  if (const Node* dequantize = bias_of(prepared, student, target.layer.node))
    set_bias(edit, *dequantize, target, rounded,
             *prepared.constant(prepared.node(target.layer.node).inputs[2]));
  return edit.apply();
}

void write_rounded(Edit& edit, const Graph& prepared, const Target& target, const RoundedLayer& rounded) {
  const ValueId value = prepared.node(target.layer.node).inputs[1];
  Tensor weight(DataType::float32, target.task.weight.dims());
  const std::span<float> elements = weight.mutable_data<float>();
  const bool has_own_scale = rounded.scales.size() > 1;
  for (std::int64_t o = 0; o < target.task.matrix.outputs(); ++o)
    for (std::int64_t c = 0; c < target.task.matrix.columns; ++c) {
      const std::size_t i = target.task.matrix.element(o, c);
      elements[i] = static_cast<float>(rounded.integers[i]) *
                    rounded.scales[has_own_scale ? static_cast<std::size_t>(o) : 0];
    }
  edit.set_constant(value, weight);
  edit.set_quantization(value, ValueQuantization{.type = target.task.scheme.type,
                                                 .bits = target.task.scheme.bits,
                                                 .axis = target.layer.axis,
                                                 .scales = rounded.scales});
}

TeacherRows teacher_rows(const Graph& prepared, const std::vector<Target>& targets,
                         const SampleSource& samples, std::int64_t count) {
  std::vector<TeacherLayer> layers;
  for (const Target& target : targets)
    layers.push_back({.node = target.layer.node,
                      .matrix = target.task.matrix,
                      .weight = target.task.weight.dims(),
                      .step = target.step / teacher_fineness});
  return {prepared, std::move(layers), samples, count};
}

}  // namespace

Graph with_second_order_rounding(const Graph& prepared, const Graph& student, const SampleSource& samples,
                                 const SecondOrderOptions& options) {
  std::vector<Target> targets;
  for (const NodeId id : student.nodes())
    if (auto target = target_at(prepared, student, id, options)) targets.push_back(std::move(*target));
  if (targets.empty()) return prepared;
  const std::int64_t count = std::min({samples.count, options.largest_sample_count,
                                       affordable_sample_count(student, options.largest_memory_bytes)});
  Graph rounded = student;
  Edit edit(prepared);
  StagedRun run(samples, count);
  TeacherRows teacher = teacher_rows(prepared, targets, samples, count);
  for (std::size_t k = 0; k < targets.size(); ++k) {
    const Target& target = targets[k];
    const Node& node = rounded.node(target.layer.node);
    InputRows rows(node, target.task.matrix, target.task.weight.dims(), count);
    run.compute(rounded, node.inputs[0],
                [&](std::int64_t i, const Tensor& input) { rows.take(i, input, target.step); });
    const RoundedLayer result = rounded_layer(
        target.task, {.student = rows, .teacher = teacher.of(k), .teacher_unit = 1 / teacher_fineness});
    rounded = with_rounded_layer(rounded, prepared, target, result);
    write_rounded(edit, prepared, target, result);
    if (options.progress)
      options.progress(static_cast<std::int64_t>(k) + 1, static_cast<std::int64_t>(targets.size()));
  }
  return edit.apply();
}

}  // namespace edgeopt
