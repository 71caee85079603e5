#include "calibration/second_order_rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "calibration/drift_compensation.h"
#include "calibration/feedback_rounding.h"
#include "calibration/input_products.h"
#include "calibration/integer_layers.h"
#include "calibration/staged_run.h"
#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/extract.h"
#include "runtime/engine.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

constexpr std::int64_t most_columns = 1024;
// Integers per step of the student's activations in which the teacher's are taken: 255 steps of four are
// below the 1023 that InputRows holds.
constexpr double teacher_fineness = 4;
// Of 4 bits and less the scale is looked for again, by the error of outputs; the search for the least error
// of weights (ir/weight_scales.h) ended in their middle.
constexpr int largest_searched_bits = 4;
constexpr double searched_factors[] = {1, 1.1, 1.05, 0.95, 0.9, 0.85, 0.8};

struct Target {
  IntegerLayer layer;
  WeightMatrix matrix;
  QuantizationScheme scheme;
  Tensor weight;  // float
};

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
  return Target{.layer = *layer, .matrix = *matrix, .scheme = *scheme, .weight = *weight};
}

struct Rounded {
  std::vector<std::int32_t> integers;  // in the order of the weight's elements
  std::vector<float> scales;
  std::vector<double> shifts;  // by output: how much its mean fell, in steps of the input
};

class Rounding {
 public:
  Rounding(const Target& target, const InputRows& rows, const InputRows& teacher_rows)
      : target_(target), rows_(rows), teacher_rows_(teacher_rows) {
    const std::span<const float> scales = target.layer.scales.data<float>();
    result_.scales.assign(scales.begin(), scales.end());
    result_.integers.resize(static_cast<std::size_t>(target.weight.element_count()));
    result_.shifts.resize(static_cast<std::size_t>(target.matrix.outputs()));
  }

  Rounded run() {
    for (std::int64_t group = 0; group < target_.matrix.groups; ++group) round_group(group);
    return std::move(result_);
  }

 private:
  struct Block {
    std::int64_t first = 0;
    std::int64_t count = 0;
    std::unique_ptr<const HessianRoot> root;
    InputMoments moments;
  };
  struct Trial {
    double error = std::numeric_limits<double>::infinity();
    float scale = 0;
    std::vector<std::int32_t> integers;
  };

  void round_group(std::int64_t group) {
    std::vector<Block> blocks;
    const std::int64_t columns = target_.matrix.columns;
    for (std::int64_t first = 0; first < columns; first += most_columns) {
      const std::int64_t count = std::min(most_columns, columns - first);
      InputMoments moments = input_moments(rows_, teacher_rows_, 1.0 / teacher_fineness, group, first, count);
      auto root = std::make_unique<HessianRoot>(moments.products, count);
      blocks.push_back({first, count, std::move(root), std::move(moments)});
    }
    const std::int64_t outputs = target_.matrix.outputs_per_group;
    const auto round_one = [&](std::int64_t i, int) { round_output(blocks, group * outputs + i); };
    // A depthwise Conv has one output per group, which is not worth a thread.
    if (outputs > 1) parallel_for(outputs, round_one);
    if (outputs == 1) round_one(0, 0);
  }

  void round_output(const std::vector<Block>& blocks, std::int64_t output) {
    std::vector<double> weights;
    for (std::int64_t c = 0; c < target_.matrix.columns; ++c)
      weights.push_back(static_cast<double>(target_.weight.data<float>()[target_.matrix.element(output, c)]));
    double mean = 0;
    for (const Block& block : blocks) {
      for (std::int64_t c = 0; c < block.count; ++c)
        mean += weights[static_cast<std::size_t>(block.first + c)] *
                block.moments.teacher_means[static_cast<std::size_t>(c)];
      compensate(block, weights);
    }
    const bool has_own_scale = result_.scales.size() > 1;
    const bool is_searched = has_own_scale && target_.scheme.bits <= largest_searched_bits;
    const float scale = result_.scales[has_own_scale ? static_cast<std::size_t>(output) : 0];
    Trial best;
    for (const double factor : searched_factors) {
      const Trial trial = tried(blocks, weights, static_cast<float>(static_cast<double>(scale) * factor));
      if (trial.error < best.error) best = trial;
      if (!is_searched) break;
    }
    if (has_own_scale) result_.scales[static_cast<std::size_t>(output)] = best.scale;
    for (const Block& block : blocks)
      for (std::int64_t c = 0; c < block.count; ++c)
        mean -= static_cast<double>(best.scale) * best.integers[static_cast<std::size_t>(block.first + c)] *
                block.moments.means[static_cast<std::size_t>(c)];
    result_.shifts[static_cast<std::size_t>(output)] = mean;
    for (std::int64_t c = 0; c < target_.matrix.columns; ++c)
      result_.integers[target_.matrix.element(output, c)] = best.integers[static_cast<std::size_t>(c)];
  }

  // Weights that are exactly 0 were made so by pruning, and stay.
  static void compensate(const Block& block, std::vector<double>& weights) {
    Eigen::Map<Eigen::VectorXd> part(weights.data() + block.first, block.count);
    const Eigen::VectorXd change = block.moments.drift * part;
    for (Eigen::Index i = 0; i < part.size(); ++i)
      if (part[i] != 0) part[i] += change[i];
  }

  Trial tried(const std::vector<Block>& blocks, const std::vector<double>& weights, float scale) const {
    Trial trial{.error = 0, .scale = scale, .integers = std::vector<std::int32_t>(weights.size())};
    for (const Block& block : blocks) {
      const auto first = static_cast<std::size_t>(block.first);
      const auto count = static_cast<std::size_t>(block.count);
      trial.error += block.root->round(std::span(weights).subspan(first, count), scale, target_.scheme,
                                       std::span(trial.integers).subspan(first, count));
    }
    return trial;
  }

  const Target& target_;
  const InputRows& rows_;
  const InputRows& teacher_rows_;
  Rounded result_;
};

// The student computes on with the new integers; its bias moves to their scales.
Graph with_rounded_layer(const Graph& student, const Target& target, const Rounded& rounded,
                         const std::optional<Tensor>& float_bias, double step) {
  Edit edit(student);
  const Tensor& old_scales = target.layer.scales;
  const Tensor scales = Tensor::of<float>(old_scales.dims(), rounded.scales);
  edit.set_input(target.layer.dequantize, 0,
                 edit.add_constant(store_integers(rounded.integers, target.weight.dims(), DataType::int8)));
  edit.set_input(target.layer.dequantize, 1, edit.add_constant(scales));
  const Node& node = student.node(target.layer.node);
  const Node* bias = node.has_input(2) ? student.producer(node.inputs[2], "DequantizeLinear") : nullptr;
  if (!bias || !float_bias) return edit.apply();
  const Tensor bias_scales = student.constant(bias->inputs[1]).value();
  std::vector<float> new_scales;
  std::vector<float> values;
  for (std::size_t c = 0; c < bias_scales.data<float>().size(); ++c)
    new_scales.push_back(bias_scales.data<float>()[c] * (rounded.scales[c] / old_scales.data<float>()[c]));
  for (std::size_t c = 0; c < rounded.shifts.size(); ++c)
    values.push_back(float_bias->data<float>()[c] + static_cast<float>(rounded.shifts[c] * step));
  edit.set_input(bias->id, 0,
                 edit.add_constant(quantize_bias(Tensor::of<float>(float_bias->dims(), values), new_scales)));
  edit.set_input(bias->id, 1, edit.add_constant(Tensor::of<float>(bias_scales.dims(), new_scales)));
  return edit.apply();
}

void write_rounded(Edit& edit, const Graph& prepared, const Target& target, const Rounded& rounded) {
  const ValueId value = prepared.node(target.layer.node).inputs[1];
  Tensor weight(DataType::float32, target.weight.dims());
  const std::span<float> elements = weight.mutable_data<float>();
  const bool has_own_scale = rounded.scales.size() > 1;
  for (std::int64_t o = 0; o < target.matrix.outputs(); ++o)
    for (std::int64_t c = 0; c < target.matrix.columns; ++c) {
      const std::size_t i = target.matrix.element(o, c);
      elements[i] = static_cast<float>(rounded.integers[i]) *
                    rounded.scales[has_own_scale ? static_cast<std::size_t>(o) : 0];
    }
  edit.set_constant(value, weight);
  edit.set_quantization(value, ValueQuantization{.type = target.scheme.type,
                                                 .bits = target.scheme.bits,
                                                 .axis = target.layer.axis,
                                                 .scales = rounded.scales});
}

// The values for every sample, in any order and in parallel.
void visit_values(const Graph& graph, const std::vector<ValueId>& values, const SampleSource& samples,
                  std::int64_t count,
                  const std::function<void(std::int64_t sample, std::size_t value, const Tensor&)>& visit) {
  const std::vector<ValueId> inputs = required_inputs(graph);
  std::vector<ValueId> computed;
  for (const ValueId value : values)
    if (graph.producer(value) && std::ranges::find(computed, value) == computed.end())
      computed.push_back(value);
  std::optional<SessionPool> sessions;
  if (!computed.empty()) sessions.emplace(extract(graph, inputs, computed));
  parallel_for(count, [&](std::int64_t i, int worker) {
    const Sample sample = samples.read(i);
    Tensors results;
    if (sessions) results = sessions->session(worker).run(sample.inputs);
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto found = std::ranges::find(computed, values[k]);
      visit(i, k,
            found != computed.end() ? results[static_cast<std::size_t>(found - computed.begin())]
                                    : sample.inputs[static_cast<std::size_t>(
                                          std::ranges::find(inputs, values[k]) - inputs.begin())]);
    }
  });
}

double step_of(const Graph& student, ValueId input) {
  const Node* dequantize = student.producer(input, "DequantizeLinear");
  const std::optional<Tensor> scale = dequantize ? student.constant(dequantize->inputs[1]) : std::nullopt;
  if (!scale || scale->element_count() != 1) return 0;
  const int bits = bit_count(student.type_of(dequantize->inputs[0]).dtype);
  // Of more than 8 bits the upper 8 say enough.
  return static_cast<double>(scale->data<float>()[0]) * std::ldexp(1.0, std::max(0, bits - 8));
}

// The inputs of the layers in the float model, read ahead for as many layers as memory allows: one run of the
// model for all of them.
class TeacherRows {
 public:
  TeacherRows(const Graph& graph, const std::vector<Target>& targets, const SampleSource& samples,
              std::int64_t sample_count)
      : graph_(graph), targets_(targets), samples_(samples), count_(sample_count), rows_(targets.size()) {}

  /// Of the layer with this number; those of the layers before are forgotten.
  const InputRows& of(std::size_t k, const std::function<double(std::size_t)>& step_of) {
    for (std::size_t before = 0; before < k; ++before) rows_[before].reset();
    if (!rows_[k]) read_from(k, step_of);
    return *rows_[k];
  }

 private:
  void read_from(std::size_t k, const std::function<double(std::size_t)>& step_of) {
    std::int64_t bytes = 0;
    std::size_t end = k;
    for (; end < targets_.size() && (end == k || bytes < largest_bytes); ++end) {
      const Node& node = graph_.node(targets_[end].layer.node);
      rows_[end].emplace(node, targets_[end].matrix, targets_[end].weight.dims(), count_);
      bytes += rows_[end]->byte_count();
    }
    std::vector<ValueId> values;
    for (std::size_t i = k; i < end; ++i) values.push_back(graph_.node(targets_[i].layer.node).inputs[0]);
    visit_values(graph_, values, samples_, count_,
                 [&](std::int64_t sample, std::size_t i, const Tensor& input) {
                   const double step = step_of(k + i);
                   if (step > 0) rows_[k + i]->take(sample, input, step / teacher_fineness);
                 });
  }

  static constexpr std::int64_t largest_bytes = std::int64_t{128} << 20;
  const Graph& graph_;
  const std::vector<Target>& targets_;
  const SampleSource& samples_;
  std::int64_t count_;
  std::vector<std::optional<InputRows>> rows_;
};

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
  TeacherRows teacher(prepared, targets, samples, count);
  const auto step_at = [&](std::size_t k) {
    return step_of(student, student.node(targets[k].layer.node).inputs[0]);
  };
  for (std::size_t k = 0; k < targets.size(); ++k) {
    const Target& target = targets[k];
    const Node& node = rounded.node(target.layer.node);
    const double step = step_of(rounded, node.inputs[0]);
    if (!(step > 0)) continue;
    InputRows rows(node, target.matrix, target.weight.dims(), count);
    run.compute(rounded, node.inputs[0],
                [&](std::int64_t i, const Tensor& input) { rows.take(i, input, step); });
    const Rounded result = Rounding(target, rows, teacher.of(k, step_at)).run();
    const Node& original = prepared.node(target.layer.node);
    rounded = with_rounded_layer(rounded, target, result,
                                 original.has_input(2) ? prepared.constant(original.inputs[2]) : std::nullopt,
                                 step);
    write_rounded(edit, prepared, target, result);
    if (options.progress)
      options.progress(static_cast<std::int64_t>(k) + 1, static_cast<std::int64_t>(targets.size()));
  }
  return edit.apply();
}

}  // namespace edgeopt
