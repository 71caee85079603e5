#include "recipes/bit_assignment.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "support/error.h"

namespace edgeopt {
namespace {

// 100 layers waste at most a five-hundredth of the budget and take a few dozen million additions.
constexpr std::int64_t step_count = 50'000;
constexpr double infinite = std::numeric_limits<double>::infinity();

/// Weights as whole steps of the budget.
class Steps {
 public:
  explicit Steps(const std::vector<std::vector<LayerChoice>>& layers, double budget) : budget_(budget) {
    for (const auto& choices : layers)
      for (const LayerChoice& choice : choices) are_integers_ &= choice.weight == std::floor(choice.weight);
    are_integers_ &= budget <= static_cast<double>(step_count);
  }
  std::int64_t limit() const { return are_integers_ ? static_cast<std::int64_t>(budget_) : step_count; }
  /// A weight beyond the budget is beyond the limit.
  std::int64_t of(double weight) const {
    if (weight > budget_) return limit() + 1;
    if (are_integers_ || weight == 0) return static_cast<std::int64_t>(weight);
    return static_cast<std::int64_t>(std::ceil(weight / budget_ * static_cast<double>(step_count)));
  }

 private:
  double budget_;
  bool are_integers_ = true;
};

void check(const std::vector<std::vector<LayerChoice>>& layers) {
  for (const auto& choices : layers) {
    if (choices.empty() || choices.size() > std::numeric_limits<std::uint8_t>::max())
      throw InternalError("a layer needs between 1 and 255 choices");
    for (const LayerChoice& choice : choices)
      if (!(choice.value >= 0 && choice.weight >= 0 && choice.value < infinite && choice.weight < infinite))
        throw InternalError("a choice's figures must be finite and not negative");
  }
}

using Layers = std::vector<std::vector<LayerChoice>>;
using Assignment = std::vector<std::size_t>;

// Dynamic programming over the budget in steps: exact where weights are whole steps.
std::optional<Assignment> assign_in_steps(const Layers& layers, double budget) {
  const Steps steps(layers, budget);
  const auto size = static_cast<std::size_t>(steps.limit()) + 1;
  // least[w]: the least sum of values of the layers so far with weights of exactly w steps.
  std::vector<double> least(size, infinite);
  least[0] = 0;
  std::vector<std::vector<std::uint8_t>> chosen;
  for (const auto& choices : layers) {
    std::vector<double> next(size, infinite);
    std::vector<std::uint8_t>& choice_at = chosen.emplace_back(size);
    for (std::size_t c = 0; c < choices.size(); ++c) {
      const auto weight = static_cast<std::size_t>(steps.of(choices[c].weight));
      for (std::size_t w = weight; w < size; ++w) {
        const double sum = least[w - weight] + choices[c].value;
        if (!(sum < next[w])) continue;
        next[w] = sum;
        choice_at[w] = static_cast<std::uint8_t>(c);
      }
    }
    least = std::move(next);
  }
  auto w = static_cast<std::size_t>(std::ranges::min_element(least) - least.begin());
  if (least[w] == infinite) return std::nullopt;
  std::vector<std::size_t> assignment(layers.size());
  for (std::size_t k = layers.size(); k-- > 0;) {
    assignment[k] = chosen[k][w];
    w -= static_cast<std::size_t>(steps.of(layers[k][assignment[k]].weight));
  }
  return assignment;
}

/// The best completion of a partial sum can save no more than the relaxed problem allows, in which weight
/// beyond the budget is bought at the price that makes the relaxation tightest.
class Relaxation {
 public:
  Relaxation(const Layers& layers, double budget) : layers_(layers), budget_(budget) {
    double best = bound(0);
    for (const auto& choices : layers)
      for (const LayerChoice& a : choices)
        for (const LayerChoice& b : choices) {
          const double price = (a.value - b.value) / (b.weight - a.weight);
          if (!(price > 0 && price < infinite) || bound(price) <= best) continue;
          best = bound(price);
          price_ = price;
        }
    rest_.resize(layers.size() + 1);
    for (std::size_t k = layers.size(); k-- > 0;) rest_[k] = rest_[k + 1] + cheapest(layers[k], price_);
  }
  /// No completion from layer k on ends below this.
  double bound(std::size_t k, double value, double weight) const {
    return value + rest_[k] + price_ * (weight - budget_);
  }

 private:
  static double cheapest(const std::vector<LayerChoice>& choices, double price) {
    double least = infinite;
    for (const LayerChoice& choice : choices) least = std::min(least, choice.value + price * choice.weight);
    return least;
  }
  double bound(double price) const {
    double sum = -price * budget_;
    for (const auto& choices : layers_) sum += cheapest(choices, price);
    return sum;
  }

  const Layers& layers_;
  double budget_;
  double price_ = 0;
  std::vector<double> rest_;
};

/// Partial sums of which none is better than another in both figures.
class UndominatedSums {
 public:
  UndominatedSums(const Layers& layers, double budget, double known)
      : layers_(layers), budget_(budget), known_(known), relaxation_(layers, budget) {
    least_rest_.resize(layers.size() + 1);
    for (std::size_t k = layers.size(); k-- > 0;)
      least_rest_[k] = least_rest_[k + 1] + std::ranges::min(layers[k], {}, &LayerChoice::weight).weight;
  }

  /// Nothing if there are too many sums, or none that fits.
  std::optional<Assignment> run() {
    stages_ = {{Sum{}}};
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      std::vector<Sum> next = extended(k);
      if (next.empty() || next.size() > most_sums) return std::nullopt;
      stages_.push_back(std::move(next));
    }
    // Sorted by weight, so the last has the least value.
    std::size_t at = stages_.back().size() - 1;
    Assignment assignment(layers_.size());
    for (std::size_t k = layers_.size(); k-- > 0;) {
      assignment[k] = stages_[k + 1][at].choice;
      at = stages_[k + 1][at].before;
    }
    return assignment;
  }

 private:
  struct Sum {
    double value = 0;
    double weight = 0;
    std::uint32_t before = 0;  // index in the stage before
    std::uint8_t choice = 0;
  };
  static constexpr std::size_t most_sums = 1 << 18;
  // Sums of the same figures in another order differ by roundings; none of them may cost the solution.
  static constexpr double rounding = 1e-12;

  bool is_hopeful(std::size_t k, const Sum& sum) const {
    return sum.weight + least_rest_[k] <= budget_ &&
           relaxation_.bound(k, sum.value, sum.weight) <= known_ + rounding * (1 + known_);
  }

  std::vector<Sum> extended(std::size_t k) const {
    std::vector<Sum> sums;
    for (std::size_t c = 0; c < layers_[k].size(); ++c)
      for (std::size_t i = 0; i < stages_[k].size(); ++i) {
        const Sum& before = stages_[k][i];
        const Sum sum{.value = before.value + layers_[k][c].value,
                      .weight = before.weight + layers_[k][c].weight,
                      .before = static_cast<std::uint32_t>(i),
                      .choice = static_cast<std::uint8_t>(c)};
        if (is_hopeful(k + 1, sum)) sums.push_back(sum);
      }
    std::ranges::stable_sort(sums, [](const Sum& a, const Sum& b) {
      return a.weight < b.weight || (a.weight == b.weight && a.value < b.value);
    });
    std::vector<Sum> kept;
    for (const Sum& sum : sums)
      if (kept.empty() || sum.value < kept.back().value) kept.push_back(sum);
    return kept;
  }

  const Layers& layers_;
  double budget_;
  double known_;  // a value that can be had
  Relaxation relaxation_;
  std::vector<double> least_rest_;  // weight of the lightest choices from layer k on
  std::vector<std::vector<Sum>> stages_;
};

double value_of(const Layers& layers, const Assignment& assignment) {
  double sum = 0;
  for (std::size_t k = 0; k < layers.size(); ++k) sum += layers[k][assignment[k]].value;
  return sum;
}

}  // namespace

std::optional<Assignment> assign_choices(const Layers& layers, double budget) {
  check(layers);
  if (!(budget >= 0)) return std::nullopt;
  const std::optional<Assignment> rounded = assign_in_steps(layers, budget);
  const double known = rounded ? value_of(layers, *rounded) : std::numeric_limits<double>::max();
  const std::optional<Assignment> exact = UndominatedSums(layers, budget, known).run();
  return exact ? exact : rounded;
}

}  // namespace edgeopt
