#include "calibration/rounding/block_rounding.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "calibration/layers/weight_matrix.h"
#include "calibration/rounding/feedback_rounding.h"
#include "calibration/rounding/input_products.h"
#include "calibration/staged_run.h"
#include "ir/edit.h"
#include "ir/quantization/block_layout.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

// Columns of one Hessian; blocks never lie across its end, as their sizes divide it.
constexpr std::int64_t most_columns = 1024;
// Inputs lie in the integers that InputRows holds.
constexpr double largest_integer = 1023;

struct Target {
  NodeId node = NodeId::none;
  ValueId weight = ValueId::none;
  WeightMatrix matrix;
  ValueQuantization marked;
};

std::vector<Target> targets_in(const Graph& graph) {
  std::vector<Target> targets;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (!node.is("MatMul") && !node.is("Gemm")) continue;
    const auto& marked = graph.value(node.inputs[1]).quantization;
    if (!marked || marked->block_size <= 0 || !marked->scales.empty()) continue;
    if (const auto matrix = weight_matrix(node, graph.constant(node.inputs[1])->dims()))
      targets.push_back({id, node.inputs[1], *matrix, *marked});
  }
  return targets;
}

double largest_magnitude(StagedRun& run, const Graph& graph, ValueId value, std::int64_t sample_count) {
  std::vector<double> largest(static_cast<std::size_t>(sample_count), 0.0);
  run.compute(graph, value, [&](std::int64_t i, const Tensor& tensor) {
    double& most = largest[static_cast<std::size_t>(i)];
    for (const float x : tensor.data<float>()) most = std::max(most, std::abs(static_cast<double>(x)));
  });
  return *std::ranges::max_element(largest);
}

class Rounding {
 public:
  Rounding(const Target& target, const Tensor& weight)
      : target_(target),
        weight_(weight),
        scheme_(scheme_of(target.marked)),
        blocks_(block_layout(weight.dims(), target.marked)),
        scales_(block_scales(weight, blocks_, scheme_)),
        rounded_(weight) {}

  void round_for(const InputRows& rows) {
    const std::span<float> elements = rounded_.mutable_data<float>();
    for (std::int64_t first = 0; first < target_.matrix.columns; first += most_columns) {
      const ColumnRange range{.first = first,
                              .count = std::min(most_columns, target_.matrix.columns - first)};
      const HessianRoot root(rows.products(range), range.count);
      parallel_for(target_.matrix.outputs(),
                   [&](std::int64_t output, int) { round_output(root, range, output, elements); });
    }
  }

  // Multiples of the scales, and the scales beside them.
  void write(Edit& edit) const {
    edit.set_constant(target_.weight, rounded_);
    ValueQuantization decided = target_.marked;
    decided.scales = scales_;
    edit.set_quantization(target_.weight, decided);
  }

 private:
  void round_output(const HessianRoot& root, const ColumnRange& range, std::int64_t output,
                    std::span<float> elements) const {
    std::vector<double> weights;
    std::vector<float> scales;
    for (std::int64_t c = range.first; c < range.first + range.count; ++c) {
      weights.push_back(static_cast<double>(weight_.data<float>()[target_.matrix.element(output, c)]));
      scales.push_back(scales_[blocks_.scale(output, c / blocks_.size)]);
    }
    std::vector<std::int32_t> integers(weights.size());
    root.round(weights, scales, scheme_, integers);
    for (std::size_t c = 0; c < integers.size(); ++c)
      elements[target_.matrix.element(output, range.first + static_cast<std::int64_t>(c))] =
          scales[c] * static_cast<float>(integers[c]);
  }

  const Target& target_;
  const Tensor weight_;
  QuantizationScheme scheme_;
  BlockLayout blocks_;
  std::vector<float> scales_;
  Tensor rounded_;
};

}  // namespace

Graph with_second_order_blocks(const Graph& marked, const SampleSource& samples,
                               const BlockRoundingOptions& options) {
  const std::vector<Target> targets = targets_in(marked);
  const std::int64_t count = std::min({samples.count, options.largest_sample_count,
                                       affordable_sample_count(marked, options.largest_memory_bytes)});
  Graph graph = marked;
  StagedRun run(samples, count);
  for (std::size_t k = 0; k < targets.size(); ++k) {
    const Target& target = targets[k];
    const ValueId input = graph.node(target.node).inputs[0];
    const Tensor weight = *graph.constant(target.weight);
    const double largest = largest_magnitude(run, graph, input, count);
    const double step = largest > 0 ? largest / largest_integer : 1;
    InputRows rows(graph.node(target.node), target.matrix, weight.dims(), count);
    run.compute(graph, input, [&](std::int64_t i, const Tensor& tensor) { rows.take(i, tensor, step); });
    Rounding rounding(target, weight);
    rounding.round_for(rows);
    Edit edit(graph);
    rounding.write(edit);
    graph = edit.apply();
    report_progress(options.progress, "rounding weights", static_cast<std::int64_t>(k) + 1,
                    std::ssize(targets));
  }
  return graph;
}

}  // namespace edgeopt
