#include "calibration/sparsity/sparsification.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "calibration/layers/layer_equations.h"
#include "calibration/layers/weighted_layer.h"
#include "calibration/sparsity/feedback_sparsity.h"
#include "ir/label.h"
#include "support/error.h"

namespace edgeopt {
namespace {

using Eigen::MatrixXd;

constexpr std::array<std::string_view, 3> criterion_names = {"second-order", "wanda", "magnitude"};

WeightLayout layout_of(const WeightedLayer& layer) {
  return {.features = layer.features, .outputs = layer.outputs, .taps = layer.taps};
}

MatrixXd matrix_of(const WeightedLayer& layer, const Tensor& weight, std::int64_t group) {
  const std::vector<double> elements = weights_of(layer, weight, group);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const RowMajor>(elements.data(), layer.features, layer.outputs);
}

/// What is known of one group's outputs: with a bias, inputs count as they differ from their mean.
struct Equations {
  NormalMatrices all;
  MatrixXd update;           // of the dense weights, [features + 1][outputs]
  MatrixXd products;         // X'X
  Eigen::RowVectorXd means;  // of the features; zeros without a bias
};

Equations equations_from(const Folds& folds, bool has_bias) {
  Equations equations{.all = folds[0], .update = best_update(folds, has_bias)};
  equations.all += folds[1];
  const MatrixXd& gram = equations.all.gram;
  const Eigen::Index features = gram.rows() - 1;
  equations.products = gram.topLeftCorner(features, features);
  equations.means = Eigen::RowVectorXd::Zero(features);
  if (!has_bias || !(gram(features, features) > 0)) return equations;
  equations.means = gram.row(features).head(features) / gram(features, features);
  equations.products -= gram.col(features).head(features) * equations.means;
  return equations;
}

class Sparsification {
 public:
  Sparsification(const Graph& model, const SampleSource* samples, const SparsifyOptions& options)
      : dense_(model), samples_(samples), options_(options) {
    result_.graph = model;
    result_.unrepaired = model;
  }

  std::vector<std::vector<double>> damages(const std::vector<double>& shares) {
    std::vector<std::vector<double>> result;
    const SparseCandidates candidates = sparse_candidates(dense_, options_);
    for (const NodeId id : candidates.layers) {
      result.push_back(damages_of(weighted_layer_at(dense_, dense_.node(id)).value(), shares));
      report_progress(options_.progress, "trying shares of zeros", std::ssize(result),
                      std::ssize(candidates.layers));
    }
    return result;
  }

  SparseModel run() {
    SparseCandidates candidates = sparse_candidates(dense_, options_);
    result_.left_alone = std::move(candidates.left_alone);
    std::int64_t done = 0;
    for (const NodeId id : candidates.layers) {
      sparsify(weighted_layer_at(result_.graph, result_.graph.node(id)).value());
      report_progress(options_.progress, "setting weights to zero", ++done, std::ssize(candidates.layers));
    }
    return std::move(result_);
  }

 private:
  void sparsify(const WeightedLayer& layer) {
    const Tensor weight = result_.graph.constant(layer.weight).value();
    const bool has_bias = bias_place_of(result_.graph, layer).has_value();
    std::vector<Folds> equations(static_cast<std::size_t>(layer.groups));
    const bool is_measured = samples_ && layer.features <= options_.limits.most_features;
    if (is_measured) equations = equations_of(layer);
    SparseLayer entry{.node = label_of(dense_, dense_.node(layer.node)),
                      .op_type = dense_.node(layer.node).op_type,
                      .element_count = weight.element_count()};
    std::vector<MatrixXd> deltas, zeroing;
    double before = 0, after = 0, energy = 0;
    for (std::int64_t g = 0; g < layer.groups; ++g) {
      const MatrixXd weights = matrix_of(layer, weight, g);
      std::optional<Equations> known;
      if (is_measured) known = equations_from(equations[static_cast<std::size_t>(g)], has_bias);
      const SparseWeights sparse = sparsified(layer, weights, known);
      zeroing.push_back(padded(sparse.mask.select(-weights, MatrixXd::Zero(weights.rows(), weights.cols()))));
      deltas.push_back(padded(sparse.weights - weights));
      entry.zero_count += sparse.mask.count();
      if (!known) continue;
      if (options_.criterion == SparsityCriterion::second_order) settle_bias(deltas.back(), *known);
      before += known->all.error_of(zeroing.back());
      after += known->all.error_of(deltas.back());
      energy += energy_of(weights, *known);
    }
    if (is_measured && energy > 0) {
      entry.error_before = std::sqrt(std::max(0.0, before) / energy);
      entry.error_after = std::sqrt(std::max(0.0, after) / energy);
    }
    result_.graph = with_updated_layer(result_.graph, layer, deltas);
    result_.unrepaired = with_updated_layer(result_.unrepaired, layer, zeroing);
    result_.layers.push_back(std::move(entry));
  }

  std::vector<Folds> equations_of(const WeightedLayer& layer) const {
    return layer_equations({.teacher = dense_, .student = result_.graph}, layer, *samples_, options_.limits);
  }

  std::vector<double> damages_of(const WeightedLayer& layer, const std::vector<double>& shares) const {
    if (layer.features > options_.limits.most_features) return {};
    const Tensor weight = dense_.constant(layer.weight).value();
    const bool has_bias = bias_place_of(dense_, layer).has_value();
    std::vector<double> damages(shares.size(), 0.0);
    double energy = 0;
    const std::vector<Folds> folds = equations_of(layer);
    for (std::int64_t g = 0; g < layer.groups; ++g) {
      const MatrixXd weights = matrix_of(layer, weight, g);
      const Equations known = equations_from(folds[static_cast<std::size_t>(g)], has_bias);
      energy += energy_of(weights, known);
      for (std::size_t k = 0; k < shares.size(); ++k) {
        SparsityPattern pattern = options_.pattern;
        pattern.share = shares[k];
        const SparseWeights sparse = sparsify_with_feedback(weights, known.products, pattern,
                                                            {.mask = zeros_of(weights), .taps = layer.taps});
        const MatrixXd difference = sparse.weights - weights;
        damages[k] += difference.cwiseProduct(known.products * difference).sum();
      }
    }
    for (double& damage : damages) damage = energy > 0 ? std::max(0.0, damage) / energy : 0;
    return damages;
  }

  static double energy_of(const MatrixXd& weights, const Equations& known) {
    const Eigen::Index features = weights.rows();
    return weights.cwiseProduct(known.all.gram.topLeftCorner(features, features) * weights).sum();
  }

  static MatrixXd padded(const MatrixXd& delta) {
    MatrixXd result = MatrixXd::Zero(delta.rows() + 1, delta.cols());
    result.topRows(delta.rows()) = delta;
    return result;
  }

  // The bias makes up for the mean of what the weights do not give.
  static void settle_bias(MatrixXd& delta, const Equations& known) {
    const Eigen::Index features = delta.rows() - 1;
    delta.row(features) =
        known.update.row(features) + known.means * (known.update.topRows(features) - delta.topRows(features));
  }

  SparsityPattern pattern_for(const WeightedLayer& layer) const {
    SparsityPattern pattern = options_.pattern;
    const auto own = options_.shares.find(dense_.name_of(layer.output));
    if (own != options_.shares.end()) pattern.share = own->second;
    return pattern;
  }

  SparseWeights sparsified(const WeightedLayer& layer, const MatrixXd& weights,
                           const std::optional<Equations>& known) const {
    const SparsityPattern pattern = pattern_for(layer);
    if (known && options_.criterion == SparsityCriterion::second_order)
      return sparsify_with_feedback(weights + known->update.topRows(weights.rows()), known->products, pattern,
                                    {.mask = zeros_of(weights), .taps = layer.taps});
    MatrixXd scores = weights.cwiseAbs();
    const bool is_wanda = known && options_.criterion == SparsityCriterion::wanda;
    if (is_wanda)
      scores.array().colwise() *= known->all.gram.diagonal().head(weights.rows()).array().max(0).sqrt();
    SparseWeights result{.mask = zeros_of(weights)};
    std::vector<std::int64_t> features;
    for (const auto& group : feature_groups(pattern, layout_of(layer)))
      features.insert(features.end(), group.begin(), group.end());
    const std::int64_t step = is_wanda ? pattern.block_outputs : layer.outputs;
    for (std::int64_t o = 0; o < layer.outputs; o += step)
      mark_least(scores, pattern, {.features = features, .first_output = o, .output_count = step},
                 std::llround(pattern.share * static_cast<double>(unit_count(pattern, layer.features, step))),
                 result.mask);
    result.weights = result.mask.select(MatrixXd::Zero(weights.rows(), weights.cols()), weights);
    return result;
  }

  const Graph& dense_;
  const SampleSource* samples_;
  const SparsifyOptions& options_;
  SparseModel result_;
};

bool is_named(const Graph& graph, const Node& node, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    return name == node.name || std::ranges::any_of(node.outputs, [&](ValueId output) {
             return output != ValueId::none && graph.name_of(output) == name;
           });
  });
}

void require_nodes(const Graph& graph, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (std::ranges::none_of(graph.nodes(),
                             [&](NodeId id) { return is_named(graph, graph.node(id), {name}); }))
      throw UserError(
          fmt::format("there is no node '{}' in the fused model; `edgeopt fuse --json -` shows "
                      "what is left of the original",
                      name));
}

// Values that no layer with weights has computed yet.
std::set<ValueId> values_before_layers(const Graph& graph) {
  std::set<ValueId> values(graph.inputs().begin(), graph.inputs().end());
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (weighted_layer_at(graph, node)) continue;
    if (std::ranges::any_of(node.inputs, [&](ValueId input) { return values.contains(input); }))
      values.insert(node.outputs.begin(), node.outputs.end());
  }
  return values;
}

// Why a layer would rather stay as it is; empty if it would not.
std::string delicacy(const WeightedLayer& layer, const std::set<ValueId>& before_layers) {
  const bool is_depthwise = layer.groups > 1 && layer.features == layer.taps;
  if (is_depthwise) return "a depthwise convolution: few weights, each of which matters";
  return before_layers.contains(layer.input) ? "it reads the model's input" : "";
}

}  // namespace

std::vector<std::string_view> sparsity_criterion_names() {
  return {criterion_names.begin(), criterion_names.end()};
}

std::optional<SparsityCriterion> sparsity_criterion_named(std::string_view name) {
  const auto found = std::ranges::find(criterion_names, name);
  if (found == criterion_names.end()) return std::nullopt;
  return static_cast<SparsityCriterion>(found - criterion_names.begin());
}

SparseCandidates sparse_candidates(const Graph& model, const SparsifyOptions& options) {
  require_nodes(model, options.excluded);
  require_nodes(model, options.included);
  const std::set<ValueId> before_layers = values_before_layers(model);
  const auto reason_to_stay = [&](const Node& node, const WeightedLayer& layer) -> std::string {
    if (is_named(model, node, options.excluded)) return "excluded";
    if (model.uses(layer.weight).size() != 1) return "others read its weights, too";
    const bool is_included = is_named(model, node, options.included);
    std::string reason = is_included ? "" : delicacy(layer, before_layers);
    return reason.empty() ? misfit(options.pattern, layout_of(layer)) : reason;
  };
  SparseCandidates candidates;
  for (const NodeId id : model.nodes()) {
    const std::optional<WeightedLayer> layer = weighted_layer_at(model, model.node(id));
    if (!layer) continue;
    std::string reason = reason_to_stay(model.node(id), *layer);
    if (reason.empty()) {
      candidates.layers.push_back(id);
      continue;
    }
    candidates.left_alone.push_back({.node = label_of(model, model.node(id)),
                                     .op_type = model.node(id).op_type,
                                     .element_count = model.constant(layer->weight)->element_count(),
                                     .reason = std::move(reason)});
  }
  return candidates;
}

std::vector<std::vector<double>> sparsity_damages(const Graph& model, const SampleSource& samples,
                                                  const SparsifyOptions& options,
                                                  const std::vector<double>& shares) {
  return Sparsification(model, &samples, options).damages(shares);
}

SparseModel with_sparse_weights(const Graph& model, const SampleSource* samples,
                                const SparsifyOptions& options) {
  if (!samples && options.criterion != SparsityCriterion::magnitude)
    throw UserError("this criterion needs samples (--data); magnitude needs none");
  return Sparsification(model, samples, options).run();
}

}  // namespace edgeopt
