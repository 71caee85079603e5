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

}  // namespace

std::optional<std::vector<std::size_t>> assign_choices(const std::vector<std::vector<LayerChoice>>& layers,
                                                       double budget) {
  check(layers);
  if (!(budget >= 0)) return std::nullopt;
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

}  // namespace edgeopt
