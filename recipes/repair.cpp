#include "recipes/repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "recipes/bit_assignment.h"

namespace edgeopt {
namespace {

// Halving the damage gains 3 dB; after 2^-6 of it the layers that are left matter less than rounding the
// outputs.
constexpr int halving_count = 6;

// Names of the layers that must be in float so that the damages of the others sum to at most `budget`.
std::vector<std::string> cheapest_floats(const Sensitivity& sensitivity, double budget) {
  std::vector<std::vector<LayerChoice>> choices;
  for (const LayerDamage& layer : sensitivity.layers) {
    // In float a layer costs its multiply-adds and does no damage.
    choices.push_back(
        {{.value = static_cast<double>(std::max<std::int64_t>(1, layer.multiply_adds)), .weight = 0}});
    if (std::isfinite(layer.damage)) choices.back().push_back({.value = 0, .weight = layer.damage});
  }
  const std::vector<std::size_t> assignment = assign_choices(choices, budget).value();
  std::vector<std::string> names;
  for (std::size_t k = 0; k < assignment.size(); ++k)
    if (assignment[k] == 0) names.push_back(sensitivity.layers[k].node);
  return names;
}

std::string told(const std::vector<std::string>& names) {
  constexpr std::size_t shown_count = 3;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(shown_count, names.size()));
  const std::string shown = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  return fmt::format("{} layer{} in float: {}{}", names.size(), names.size() == 1 ? "" : "s", shown,
                     names.size() > shown_count ? ", ..." : "");
}

double finite_damage(const Sensitivity& sensitivity) {
  double sum = 0;
  for (const LayerDamage& layer : sensitivity.layers)
    if (std::isfinite(layer.damage)) sum += layer.damage;
  return sum;
}

}  // namespace

std::vector<Repair> possible_repairs(const QuantizedModel& quantized, const Sensitivity& sensitivity,
                                     const QuantizeOptions& options) {
  std::vector<Repair> repairs;
  // Who named an observer wants that one.
  if (options.observers.size() > 1) {
    repairs.push_back({.what = "ranges by percentile", .options = options});
    repairs.back().options.observers = {{.method = ObserverMethod::percentile}};
  }
  std::vector<std::string> last;
  double budget = finite_damage(sensitivity);
  for (int halving = 0; halving < halving_count; ++halving) {
    budget /= 2;
    std::vector<std::string> names = cheapest_floats(sensitivity, budget);
    if (names.size() == sensitivity.layers.size()) break;
    if (names.empty() || names == last) continue;
    Repair repair{.what = told(names), .options = options};
    if (options.observers.size() > 1) repair.options.observers = {{.method = quantized.observer}};
    repair.options.keep_float.insert(repair.options.keep_float.end(), names.begin(), names.end());
    repairs.push_back(std::move(repair));
    last = std::move(names);
  }
  return repairs;
}

}  // namespace edgeopt
