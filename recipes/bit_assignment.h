// Which choice each layer gets (bit widths, integers or float) so that the sum of one figure is least while
// the sum of another stays within a budget: the multiple-choice knapsack problem.
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

namespace edgeopt {

/// One way to run a layer. Both figures are finite and not negative.
struct LayerChoice {
  double value = 0;   // what shall be small in sum: damage, or latency
  double weight = 0;  // what has a budget: bytes or latency, or damage
};

/// The index of the choice for every layer.
///
/// layers   at least one choice each
/// returns  nothing if even the lightest choices exceed the budget. Of equal sums the earlier choices.
/// exact    but for sums of more than 2^18 undominated partial choices, which dozens of layers of real
/// figures
///          stay far below; there weights are rounded up to a `step_count`th of the budget, so that the
///          budget holds and at most layers / step_count of it is wasted
/// source   dynamic programming over the budget, then over undominated sums within the bound that it gives
/// and
///          that of the Lagrangian relaxation: Kellerer, Pferschy, Pisinger, "Knapsack Problems", 2004,
///          chapter 11; Nemhauser, Ullmann, "Discrete dynamic programming and capital allocation", 1969
std::optional<std::vector<std::size_t>> assign_choices(const std::vector<std::vector<LayerChoice>>& layers,
                                                       double budget);

}  // namespace edgeopt
