#include "passes/scale_groups.h"

#include <algorithm>
#include <limits>

namespace edgeopt {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

Range united(const Range& a, const Range& b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }
Range common(const Range& a, const Range& b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }

Range with_zero(const Range& range) { return {std::min(range.min, 0.0), std::max(range.max, 0.0)}; }

}  // namespace

void ScaleGroups::add(ValueId value) {
  const Range observed = graph_.value(value).range.value_or(Range{});
  groups_[value] = {.parent = value, .range = with_zero(observed), .bounds = {-infinite, infinite}};
}

ValueId ScaleGroups::root_of(ValueId value) const {
  while (groups_.at(value).parent != value) value = groups_.at(value).parent;
  return value;
}

void ScaleGroups::bound(ValueId value, const Range& bounds) {
  Group& group = groups_.at(root_of(value));
  group.bounds = common(group.bounds, bounds);
  group.range = common(group.range, bounds);
}

void ScaleGroups::unite(ValueId a, ValueId b) {
  const ValueId root_a = root_of(a);
  const ValueId root_b = root_of(b);
  if (root_a == root_b) return;
  Group& kept = groups_.at(root_a);
  Group& joined = groups_.at(root_b);
  kept.range = united(kept.range, joined.range);
  kept.bounds = common(kept.bounds, joined.bounds);
  joined.parent = root_a;
}

void ScaleGroups::unite_if_bounds_allow(ValueId a, ValueId b) {
  const Group& group_a = groups_.at(root_of(a));
  const Group& group_b = groups_.at(root_of(b));
  const Range range = united(group_a.range, group_b.range);
  const Range bounds = common(group_a.bounds, group_b.bounds);
  if (range.min >= bounds.min && range.max <= bounds.max) unite(a, b);
}

QuantizationParameters ScaleGroups::parameters(ValueId value) const {
  return parameters_for(groups_.at(root_of(value)).range, scheme_);
}

}  // namespace edgeopt
