#include "calibration/sparsity/sparsity_mask.h"

#include <algorithm>

namespace edgeopt {
namespace {

struct Unit {
  double score = 0;
  std::size_t first_feature = 0;  // in the scope
  std::int64_t first_output = 0;
};

void mark_groups(const Eigen::MatrixXd& scores, const SparsityPattern& pattern, const MaskScope& scope,
                 WeightMask& mask) {
  const auto size = static_cast<std::size_t>(pattern.group_size);
  const auto removed = static_cast<std::size_t>(pattern.group_size - pattern.kept_of_group);
  for (std::int64_t o = scope.first_output; o < scope.first_output + scope.output_count; ++o)
    for (std::size_t first = 0; first + size <= scope.features.size(); first += size) {
      const auto members = scope.features.subspan(first, size);
      std::vector<std::int64_t> order(members.begin(), members.end());
      std::ranges::stable_sort(order, {}, [&](std::int64_t feature) { return scores(feature, o); });
      for (std::size_t i = 0; i < removed; ++i) mask(order[i], o) = true;
    }
}

}  // namespace

std::vector<std::vector<std::int64_t>> feature_groups(const SparsityPattern& pattern,
                                                      const WeightLayout& layout) {
  std::vector<std::vector<std::int64_t>> groups;
  const std::int64_t channels = layout.features / layout.taps;
  for (std::int64_t first = 0; first + pattern.width() <= channels; first += pattern.width())
    for (std::int64_t tap = 0; tap < layout.taps; ++tap) {
      std::vector<std::int64_t>& group = groups.emplace_back();
      for (std::int64_t c = first; c < first + pattern.width(); ++c) group.push_back(c * layout.taps + tap);
    }
  return groups;
}

void mark_least(const Eigen::MatrixXd& scores, const SparsityPattern& pattern, const MaskScope& scope,
                std::int64_t removed_count, WeightMask& mask) {
  if (pattern.is_grouped()) {
    mark_groups(scores, pattern, scope, mask);
    return;
  }
  const auto inputs = static_cast<std::size_t>(pattern.block_inputs);
  const auto for_each = [&](const Unit& unit, const auto& visit) {
    for (const std::int64_t feature : scope.features.subspan(unit.first_feature, inputs))
      for (std::int64_t o = unit.first_output; o < unit.first_output + pattern.block_outputs; ++o)
        visit(feature, o);
  };
  std::vector<Unit> units;
  for (std::size_t f = 0; f + inputs <= scope.features.size(); f += inputs)
    for (std::int64_t o = 0; o + pattern.block_outputs <= scope.output_count; o += pattern.block_outputs) {
      Unit unit{.first_feature = f, .first_output = scope.first_output + o};
      for_each(unit,
               [&](std::int64_t feature, std::int64_t output) { unit.score += scores(feature, output); });
      units.push_back(unit);
    }
  std::ranges::stable_sort(units, {}, &Unit::score);
  const auto removed =
      static_cast<std::size_t>(std::clamp<std::int64_t>(removed_count, 0, std::ssize(units)));
  for (const Unit& unit : std::span(units).first(removed))
    for_each(unit, [&](std::int64_t feature, std::int64_t output) { mask(feature, output) = true; });
}

}  // namespace edgeopt
