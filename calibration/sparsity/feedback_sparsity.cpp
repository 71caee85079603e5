#include "calibration/sparsity/feedback_sparsity.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "calibration/rounding/feedback_rounding.h"
#include "support/parallel.h"

namespace edgeopt {
namespace {

using Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t columns_at_once = 128;  // SparseGPT's blocksize
constexpr std::int64_t most_refitted = 1024;   // n^3 / 24 multiply-adds per output at half of the weights
constexpr double damping = 0.01;               // SparseGPT's percdamp, as in feedback_rounding.cpp

// Whole groups of the pattern, those with the most input first: the later ones make up for them.
std::vector<std::int64_t> feature_order(const MatrixXd& products, const SparsityPattern& pattern,
                                        const WeightLayout& layout) {
  std::vector<std::vector<std::int64_t>> groups = feature_groups(pattern, layout);
  const auto energy = [&](const std::vector<std::int64_t>& group) {
    double sum = 0;
    for (const std::int64_t f : group) sum += products(f, f);
    return sum;
  };
  std::ranges::stable_sort(groups, std::ranges::greater{}, energy);
  std::vector<std::int64_t> order;
  for (const auto& group : groups) order.insert(order.end(), group.begin(), group.end());
  return order;
}

class Feedback {
 public:
  Feedback(const MatrixXd& weights, const MatrixXd& products, const SparsityPattern& pattern,
           const GoneWeights& gone)
      : weights_(weights),
        pattern_(pattern),
        root_(std::vector<double>(products.data(), products.data() + products.size()),
              feature_order(products, pattern,
                            {.features = weights.rows(), .outputs = weights.cols(), .taps = gone.taps})),
        carried_(RowMajor::Zero(weights.rows(), weights.cols())),
        result_{.mask = gone.mask, .weights = weights} {}

  SparseWeights run() {
    const std::int64_t count = weights_.rows();
    const std::int64_t wanted = pattern_.is_grouped() ? pattern_.width() : columns_at_once;
    const std::int64_t width = std::max<std::int64_t>(1, wanted / pattern_.width()) * pattern_.width();
    for (std::int64_t begin = 0; begin < count; begin += width) {
      const std::int64_t end = std::min(begin + width, count);
      choose(begin, end);
      for (std::int64_t i = begin; i < end; ++i) decide(i);
    }
    return std::move(result_);
  }

 private:
  std::int64_t column(std::int64_t i) const { return root_.order()[static_cast<std::size_t>(i)]; }

  // Scores as if nothing of the block went: (target R_ii)^2 with the block's own feedback.
  void choose(std::int64_t begin, std::int64_t end) {
    MatrixXd scores = MatrixXd::Zero(weights_.rows(), weights_.cols());
    RowMajor carried = carried_.middleRows(begin, end - begin);
    for (std::int64_t i = begin; i < end; ++i) {
      const double* row = root_.row(i);
      const Eigen::RowVectorXd moved = carried.row(i - begin) / row[i];
      const Eigen::RowVectorXd target = weights_.row(column(i)) + moved;
      scores.row(column(i)) = result_.mask.row(column(i)).select(Eigen::RowVectorXd::Zero(target.size()),
                                                                 (target * row[i]).cwiseAbs2());
      for (std::int64_t j = i + 1; j < end; ++j) carried.row(j - begin) -= row[j] * moved;
    }
    // So many should have gone up to here in sum, wherever blocks end.
    const double due = pattern_.share * static_cast<double>(unit_count(pattern_, end, weights_.cols()));
    const std::int64_t count = std::llround(due) - gone_;
    gone_ += count;
    const std::span<const std::int64_t> columns(root_.order());
    mark_least(
        scores, pattern_,
        {.features = columns.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
         .output_count = weights_.cols()},
        count, result_.mask);
  }

  void decide(std::int64_t i) {
    const double* row = root_.row(i);
    const Eigen::RowVectorXd target = weights_.row(column(i)) + carried_.row(i) / row[i];
    const Eigen::RowVectorXd kept =
        result_.mask.row(column(i)).select(Eigen::RowVectorXd::Zero(target.size()), target);
    result_.weights.row(column(i)) = kept;
    const Eigen::RowVectorXd difference = weights_.row(column(i)) - kept;
    for (std::int64_t j = i + 1; j < weights_.rows(); ++j) carried_.row(j) += row[j] * difference;
  }

  const MatrixXd& weights_;
  const SparsityPattern& pattern_;
  HessianRoot root_;
  RowMajor carried_;  // sum over decided k of R_ki d_k
  SparseWeights result_;
  std::int64_t gone_ = 0;
};

MatrixXd damped(const MatrixXd& products) {
  MatrixXd result = products;
  const double mean = products.diagonal().mean();
  result.diagonal().array() += mean > 0 ? damping * mean : 1;
  return result;
}

}  // namespace

WeightMask zeros_of(const MatrixXd& weights) { return weights.array() == 0; }

MatrixXd best_masked_weights(const MatrixXd& weights, const MatrixXd& products, const WeightMask& mask) {
  const MatrixXd hessian = damped(products);
  MatrixXd result = mask.select(MatrixXd::Zero(weights.rows(), weights.cols()), weights);
  parallel_for(weights.cols(), [&](std::int64_t o, int) {
    std::vector<Eigen::Index> kept, gone;
    for (Eigen::Index f = 0; f < weights.rows(); ++f) (mask(f, o) ? gone : kept).push_back(f);
    if (kept.empty() || gone.empty()) return;
    // v_S = w_S + H_SS^-1 H_SP w_P
    const Eigen::VectorXd lost = hessian(kept, gone) * weights(gone, o);
    const MatrixXd inner = hessian(kept, kept);
    const Eigen::VectorXd gained = inner.llt().solve(lost);
    for (std::size_t i = 0; i < kept.size(); ++i) result(kept[i], o) += gained[static_cast<Eigen::Index>(i)];
  });
  return result;
}

SparseWeights sparsify_with_feedback(const MatrixXd& weights, const MatrixXd& products,
                                     const SparsityPattern& pattern, const GoneWeights& gone) {
  SparseWeights result = Feedback(weights, products, pattern, gone).run();
  if (weights.rows() <= most_refitted) result.weights = best_masked_weights(weights, products, result.mask);
  return result;
}

}  // namespace edgeopt
