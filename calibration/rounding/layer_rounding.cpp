#include "calibration/rounding/layer_rounding.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "calibration/rounding/feedback_rounding.h"
#include "calibration/rounding/input_moments.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

constexpr std::int64_t most_columns = 1024;
// Of 4 bits and less the scale is looked for again, by the error of outputs; the search for the least error
// of weights (ir/quantization/weight_scales.h) ended in their middle.
constexpr int largest_searched_bits = 4;
constexpr double searched_factors[] = {1, 1.1, 1.05, 0.95, 0.9, 0.85, 0.8};

double dot(const std::vector<double>& a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

class Rounding {
 public:
  Rounding(const RoundingTask& task, const InputPair& inputs) : task_(task), inputs_(inputs) {
    result_.scales = task.scales;
    result_.integers.resize(static_cast<std::size_t>(task.weight.element_count()));
    result_.shifts.resize(static_cast<std::size_t>(task.matrix.outputs()));
  }

  RoundedLayer run() {
    for (std::int64_t group = 0; group < task_.matrix.groups; ++group) round_group(group);
    return std::move(result_);
  }

 private:
  struct Block {
    std::size_t first = 0;
    InputMoments moments;
    std::unique_ptr<const HessianRoot> root;
    template <typename T>
    std::span<T> of(std::vector<T>& row) const {
      return std::span(row).subspan(first, moments.means.size());
    }
  };
  struct Trial {
    double error = std::numeric_limits<double>::infinity();
    float scale = 0;
    std::vector<std::int32_t> integers;
  };

  void round_group(std::int64_t group) {
    std::vector<Block> blocks;
    const std::int64_t columns = task_.matrix.columns;
    for (std::int64_t first = 0; first < columns; first += most_columns) {
      const ColumnRange range{
          .group = group, .first = first, .count = std::min(most_columns, columns - first)};
      Block block{.first = static_cast<std::size_t>(first),
                  .moments = input_moments(inputs_.student, inputs_.teacher, inputs_.teacher_unit, range,
                                           task_.is_bias_corrected)};
      block.root = std::make_unique<HessianRoot>(block.moments.products, range.count);
      blocks.push_back(std::move(block));
    }
    const std::int64_t outputs = task_.matrix.outputs_per_group;
    const auto round_one = [&](std::int64_t i, int) { round_output(blocks, group * outputs + i); };
    // A depthwise Conv has one output per group, which is not worth a thread.
    if (outputs > 1) parallel_for(outputs, round_one);
    if (outputs == 1) round_one(0, 0);
  }

  void round_output(const std::vector<Block>& blocks, std::int64_t output) {
    std::vector<double> weights;
    for (std::int64_t c = 0; c < task_.matrix.columns; ++c)
      weights.push_back(static_cast<double>(task_.weight.data<float>()[task_.matrix.element(output, c)]));
    double& shift = result_.shifts[static_cast<std::size_t>(output)];
    for (const Block& block : blocks) {
      shift += dot(block.moments.teacher_means, block.of(weights));
      compensate(block, weights);
    }
    const bool has_own_scale = result_.scales.size() > 1;
    float& scale = result_.scales[has_own_scale ? static_cast<std::size_t>(output) : 0];
    const Trial best = best_trial(blocks, weights, scale, has_own_scale);
    if (has_own_scale) scale = best.scale;
    std::vector<double> rounded;
    for (std::int64_t c = 0; c < task_.matrix.columns; ++c) {
      const std::int32_t integer = best.integers[static_cast<std::size_t>(c)];
      result_.integers[task_.matrix.element(output, c)] = integer;
      rounded.push_back(static_cast<double>(best.scale) * integer);
    }
    for (const Block& block : blocks) shift -= dot(block.moments.means, block.of(rounded));
  }

  // Weights that are exactly 0 were made so by pruning, and stay.
  static void compensate(const Block& block, std::vector<double>& weights) {
    const std::span<double> own = block.of(weights);
    Eigen::Map<Eigen::VectorXd> part(own.data(), std::ssize(own));
    const Eigen::VectorXd change = block.moments.drift * part;
    for (Eigen::Index i = 0; i < part.size(); ++i)
      if (part[i] != 0) part[i] += change[i];
  }

  Trial best_trial(const std::vector<Block>& blocks, std::vector<double>& weights, float scale,
                   bool has_own_scale) const {
    const bool is_searched = has_own_scale && task_.scheme.bits <= largest_searched_bits;
    Trial best;
    for (const double factor : searched_factors) {
      Trial trial = tried(blocks, weights, static_cast<float>(static_cast<double>(scale) * factor));
      if (best.integers.empty() || trial.error < best.error) best = std::move(trial);
      if (!is_searched) break;
    }
    return best;
  }

  Trial tried(const std::vector<Block>& blocks, std::vector<double>& weights, float scale) const {
    Trial trial{.error = 0, .scale = scale, .integers = std::vector<std::int32_t>(weights.size())};
    std::vector<float> scales(weights.size(), scale);
    for (const Block& block : blocks)
      trial.error +=
          block.root->round(block.of(weights), block.of(scales), task_.scheme, block.of(trial.integers));
    return trial;
  }

  const RoundingTask& task_;
  const InputPair& inputs_;
  RoundedLayer result_;
};

}  // namespace

RoundedLayer rounded_layer(const RoundingTask& task, const InputPair& inputs) {
  return Rounding(task, inputs).run();
}

}  // namespace edgeopt
