#include "calibration/pruning/reconstruction.h"

#include <algorithm>
#include <numeric>

namespace edgeopt {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

// As in GPTQ and SparseGPT ("percdamp"): keeps the inverse tame where inputs are nearly dependent.
constexpr double damping = 1e-2;

// With fewer rows than features everything seems to follow from everything else: n rows pin down n
// directions, the prior the rest.
double damping_for(const NormalMatrices& matrices) {
  const double rows = static_cast<double>(std::max<std::int64_t>(1, matrices.row_count));
  const double features = static_cast<double>(matrices.gram.rows());
  return std::max(damping, std::min(1.0, features / rows));
}

MatrixXd weight_matrix(const Graph& graph, const WeightedLayer& layer, std::int64_t group) {
  const std::vector<double> weights = weights_of(layer, *graph.constant(layer.weight), group);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  MatrixXd result = MatrixXd::Zero(layer.features + 1, layer.outputs);
  result.topRows(layer.features) = Eigen::Map<const RowMajor>(weights.data(), layer.features, layer.outputs);
  return result;
}

// Sum over the outputs of their variance over the rows.
double output_energy(const MatrixXd& gram, const MatrixXd& weights) {
  const Index constant = gram.rows() - 1;
  const Eigen::VectorXd means = gram.col(constant) / gram(constant, constant);
  const MatrixXd centered = gram - gram(constant, constant) * means * means.transpose();
  return weights.cwiseProduct(centered * weights).sum();
}

/// One group of one reader, while units go.
class Problem {
 public:
  Problem(const NormalMatrices& matrices, MatrixXd weights)
      : inverse_(with_ridge(matrices.gram, damping_for(matrices))
                     .ldlt()
                     .solve(MatrixXd::Identity(matrices.gram.rows(), matrices.gram.rows()))),
        weights_(std::move(weights)),
        energy_(output_energy(matrices.gram, weights_)) {}

  double loss(const std::vector<Index>& features) const {
    if (features.empty() || energy_ <= 0) return 0;
    const MatrixXd rows = weights_(features, Eigen::all);
    const MatrixXd block = inverse_(features, features);
    return std::max(0.0, rows.cwiseProduct(block.ldlt().solve(rows)).sum() / energy_);
  }

  void remove(const std::vector<Index>& features) {
    if (features.empty()) return;
    const MatrixXd columns = inverse_(Eigen::all, features);
    const MatrixXd factor =
        columns * MatrixXd(inverse_(features, features))
                      .ldlt()
                      .solve(MatrixXd::Identity(std::ssize(features), std::ssize(features)));
    weights_ -= factor * MatrixXd(weights_(features, Eigen::all));
    inverse_ -= factor * columns.transpose();
    weights_(features, Eigen::all).setZero();
  }

  const MatrixXd& weights() const { return weights_; }

 private:
  MatrixXd inverse_;
  MatrixXd weights_;
  double energy_;
};

/// The rows of one reader's matrices that a unit owns.
std::vector<Index> features_of(const ChannelUnit& unit, const WeightedLayer& layer) {
  std::vector<Index> features;
  for (const DimIndex& member : unit)
    if (member.dim == layer.input_channels)
      for (std::int64_t t = 0; t < layer.taps; ++t) features.push_back(member.index * layer.taps + t);
  return features;
}

/// All groups of one reader, and which of its features each unit owns.
class Reader {
 public:
  Reader(const Graph& graph, const ChannelGroup& group, const LayerStatistics& statistics) {
    for (std::size_t g = 0; g < statistics.matrices.size(); ++g)
      problems_.emplace_back(statistics.matrices[g],
                             weight_matrix(graph, statistics.layer, static_cast<std::int64_t>(g)));
    for (const ChannelUnit& unit : group.units) features_.push_back(features_of(unit, statistics.layer));
  }

  double loss(std::size_t unit) const {
    double loss = 0;
    for (const Problem& problem : problems_) loss += problem.loss(features_[unit]);
    return loss;
  }
  void remove(std::size_t unit) {
    for (Problem& problem : problems_) problem.remove(features_[unit]);
  }
  std::vector<MatrixXd> weights() const {
    std::vector<MatrixXd> weights;
    for (const Problem& problem : problems_) weights.push_back(problem.weights());
    return weights;
  }

 private:
  std::vector<Problem> problems_;
  std::vector<std::vector<Index>> features_;
};

}  // namespace

std::vector<const LayerStatistics*> readers_of(const ChannelGroup& group,
                                               std::span<const LayerStatistics> layers) {
  std::vector<const LayerStatistics*> readers;
  for (const LayerStatistics& layer : layers)
    if (std::ranges::find(group.dims, layer.layer.input_channels) != group.dims.end())
      readers.push_back(&layer);
  return readers;
}

Elimination eliminate_units(const Graph& graph, const ChannelGroup& group,
                            std::span<const LayerStatistics* const> readers,
                            std::span<const std::int64_t> snapshots) {
  std::vector<Reader> problems;
  for (const LayerStatistics* reader : readers) problems.emplace_back(graph, group, *reader);
  const auto loss_of = [&](std::size_t unit) {
    double loss = 0;
    for (const Reader& reader : problems) loss += reader.loss(unit);
    return loss;
  };
  Elimination result{.ranking = {.damage = {0.0}}};
  std::vector<std::size_t> left(group.units.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  while (!left.empty()) {
    std::vector<double> losses;
    losses.reserve(left.size());
    for (const std::size_t unit : left) losses.push_back(loss_of(unit));
    const auto least = std::ranges::min_element(losses);
    const auto chosen = left.begin() + (least - losses.begin());
    for (Reader& reader : problems) reader.remove(*chosen);
    result.ranking.order.push_back(*chosen);
    result.ranking.damage.push_back(result.ranking.damage.back() + *least);
    left.erase(chosen);
    if (!std::ranges::binary_search(snapshots, std::ssize(result.ranking.order))) continue;
    result.weights.emplace_back();
    for (const Reader& reader : problems) result.weights.back().push_back(reader.weights());
  }
  return result;
}

}  // namespace edgeopt
