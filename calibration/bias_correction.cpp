#include "calibration/bias_correction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "calibration/channel_means.h"
#include "calibration/layers/integer_layers.h"
#include "calibration/staged_run.h"
#include "ir/edit.h"

namespace edgeopt {
namespace {

// A layer that can be corrected: where its result is, and where its bias goes.
struct Target {
  NodeId node = NodeId::none;
  ChannelValue student;  // the result before any activation, bias included
  ChannelValue teacher;
};

const Node* row_addition_behind(const Graph& graph, const Node& matmul) {
  const Node* add = graph.single_user(matmul.outputs[0]);
  if (!add || !add->is("Add")) return nullptr;
  const ValueId other = add->inputs[0] == matmul.outputs[0] ? add->inputs[1] : add->inputs[0];
  const std::optional<Tensor> row = graph.constant(other);
  return row && row->rank() == 1 && row->dtype() == DataType::float32 ? add : nullptr;
}

std::optional<ValueId> same_value_in(const Graph& teacher, const std::string& name) {
  constexpr std::string_view replaced_output_suffix = "_inner";
  if (const auto found = teacher.find_value(name)) return found;
  if (name.ends_with(replaced_output_suffix))
    return teacher.find_value(name.substr(0, name.size() - replaced_output_suffix.size()));
  return std::nullopt;
}

std::optional<Target> target_at(const Graph& teacher, const Graph& student, const Node& node) {
  if (!integer_layer_at(student, node)) return std::nullopt;
  ValueId result = node.outputs[0];
  if (node.is("MatMul")) {
    const Node* add = row_addition_behind(student, node);
    if (!add) return std::nullopt;
    result = add->outputs[0];
  }
  const std::optional<ValueId> original = same_value_in(teacher, student.name_of(result));
  const std::optional<Shape>& shape = student.type_of(result).shape;
  if (!original || !shape || shape->empty()) return std::nullopt;
  const std::size_t axis = node.is("Conv") ? 1 : shape->size() - 1;
  return Target{.node = node.id, .student = {result, axis}, .teacher = {*original, axis}};
}

Tensor shifted_integers(const Tensor& integers, const Tensor& scales, const std::vector<double>& shift) {
  Tensor result = integers;
  const std::span<std::int32_t> elements = result.mutable_data<std::int32_t>();
  const std::span<const float> scale = scales.data<float>();
  for (std::size_t c = 0; c < elements.size(); ++c) {
    const double step = static_cast<double>(scale[scale.size() == 1 ? 0 : c]);
    const double moved = std::nearbyint(elements[c] + shift[c] / step);
    if (std::isnan(moved)) continue;  // outputs that are no numbers say nothing about the bias
    elements[c] = static_cast<std::int32_t>(std::clamp<double>(
        moved, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
  }
  return result;
}

class Correction {
 public:
  explicit Correction(const Graph& student) : student_(student), edit_(student) {}

  Graph apply(const Target& target, const std::vector<double>& shift) {
    const Node& node = student_.node(target.node);
    if (node.is("MatMul")) {
      shift_row(*row_addition_behind(student_, node), node.outputs[0], shift);
    } else if (node.has_input(2)) {
      shift_bias(node, shift);
    } else {
      add_bias(node, shift);
    }
    return edit_.apply();
  }

 private:
  // A constant that others read too is left to them.
  void set(NodeId node, std::size_t input, const Tensor& tensor) {
    const ValueId old = student_.node(node).inputs[input];
    edit_.set_input(node, input, edit_.add_constant(tensor, student_.name_of(old) + "_corrected"));
  }

  void shift_row(const Node& add, ValueId product, const std::vector<double>& shift) {
    const std::size_t input = add.inputs[0] == product ? 1 : 0;
    Tensor row = *student_.constant(add.inputs[input]);
    const std::span<float> elements = row.mutable_data<float>();
    for (std::size_t c = 0; c < elements.size(); ++c)
      elements[c] = static_cast<float>(static_cast<double>(elements[c]) + shift[c]);
    set(add.id, input, row);
  }

  void shift_bias(const Node& node, const std::vector<double>& shift) {
    const Node* dequantize = student_.producer(node.inputs[2], "DequantizeLinear");
    if (!dequantize || student_.uses(dequantize->outputs[0]).size() != 1) return;
    const std::optional<Tensor> integers = student_.constant(dequantize->inputs[0]);
    const std::optional<Tensor> scales = student_.constant(dequantize->inputs[1]);
    if (integers && scales) set(dequantize->id, 0, shifted_integers(*integers, *scales, shift));
  }

  void add_bias(const Node& node, const std::vector<double>& shift) {
    const Node* input = student_.producer(node.inputs[0], "DequantizeLinear");
    const Node* weight = student_.producer(node.inputs[1], "DequantizeLinear");
    const std::optional<Tensor> input_scale = input ? student_.constant(input->inputs[1]) : std::nullopt;
    const std::optional<Tensor> weight_scale = weight ? student_.constant(weight->inputs[1]) : std::nullopt;
    if (!input_scale || !weight_scale) return;
    std::vector<float> scales;
    for (const float scale : weight_scale->data<float>())
      scales.push_back(scale * input_scale->data<float>()[0]);
    const Tensor scale_row = Tensor::of<float>(weight_scale->dims(), scales);
    const Tensor zeros(DataType::int32, {static_cast<std::int64_t>(shift.size())});
    const std::string name = student_.name_of(node.outputs[0]) + "_bias";
    const Attributes attributes = scale_row.rank() == 0 ? Attributes{} : Attributes{{"axis", 0}};
    edit_.set_input(
        node.id, 2,
        edit_.add_node(NodeSpec{
            .op_type = "DequantizeLinear",
            .inputs = {edit_.add_constant(shifted_integers(zeros, scale_row, shift), name + "_quantized"),
                       edit_.add_constant(scale_row, name + "_scale")},
            .attributes = attributes,
            .output_names = {name + "_dequantized"}})[0]);
  }

  const Graph& student_;
  Edit edit_;
};

}  // namespace

Graph with_corrected_biases(const Graph& teacher, const Graph& student, const SampleSource& samples,
                            const BiasCorrectionOptions& options) {
  std::vector<Target> targets;
  for (const NodeId id : student.nodes())
    if (const auto target = target_at(teacher, student, student.node(id))) targets.push_back(*target);
  if (targets.empty()) return student;
  const std::int64_t count = std::min({samples.count, options.largest_sample_count,
                                       affordable_sample_count(student, options.largest_memory_bytes)});

  std::vector<ChannelValue> wanted;
  wanted.reserve(targets.size());
  for (const Target& target : targets) wanted.push_back(target.teacher);
  const std::vector<std::vector<double>> means = mean_channels(teacher, wanted, samples, count);

  Graph corrected = student;
  StagedRun run(samples, count);
  for (std::size_t k = 0; k < targets.size(); ++k) {
    std::vector<std::vector<double>> by_sample(static_cast<std::size_t>(count));
    run.compute(corrected, targets[k].student.value, [&](std::int64_t i, const Tensor& result) {
      by_sample[static_cast<std::size_t>(i)] = channel_means(result, targets[k].student.axis);
    });
    std::vector<double> shift = means[k];
    for (const std::vector<double>& mean : by_sample)
      for (std::size_t c = 0; c < shift.size(); ++c) shift[c] -= mean[c] / static_cast<double>(count);
    corrected = Correction(corrected).apply(targets[k], shift);
    if (options.progress)
      options.progress(static_cast<std::int64_t>(k) + 1, static_cast<std::int64_t>(targets.size()));
  }
  return corrected;
}

}  // namespace edgeopt
