#include "passes/scale_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

Range united(const Range& a, const Range& b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }
Range common(const Range& a, const Range& b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }

Range with_zero(const Range& range) { return {std::min(range.min, 0.0), std::max(range.max, 0.0)}; }

QuantizationParameters parameters_of(const Value& value, const QuantizationScheme& scheme) {
  const ValueQuantization& decided = *value.quantization;
  if (decided.scales.size() != 1 || decided.zero_points.size() > 1)
    throw UserError(
        fmt::format("value '{}' was given {} scales and {} zero points; an activation has one of each",
                    value.name, decided.scales.size(), decided.zero_points.size()));
  QuantizationParameters parameters = parameters_for({}, scheme);  // the neutral zero point
  parameters.scale = decided.scales[0];
  if (!decided.zero_points.empty()) parameters.zero_point = decided.zero_points[0];
  return parameters;
}

std::optional<QuantizationScheme> wider(const std::optional<QuantizationScheme>& a,
                                        const std::optional<QuantizationScheme>& b) {
  if (!a || !b) return a ? a : b;
  return b->bits > a->bits ? b : a;
}

}  // namespace

void ScaleGroups::add(ValueId id) {
  const Value& value = graph_.value(id);
  Group& group = groups_[id];
  group = {.parent = id, .range = with_zero(value.range.value_or(Range{})), .bounds = {-infinite, infinite}};
  if (!value.quantization) return;
  group.scheme = scheme_of(*value.quantization);
  if (!value.quantization->scales.empty()) group.parameters = parameters_of(value, *group.scheme);
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
  const bool takes_scale = !kept.parameters && joined.parameters;
  kept.scheme = kept.parameters ? kept.scheme
                : takes_scale   ? joined.scheme
                                : wider(kept.scheme, joined.scheme);
  if (takes_scale) kept.parameters = joined.parameters;
  joined.parent = root_a;
}

void ScaleGroups::unite_if_bounds_allow(ValueId a, ValueId b) {
  const Group& group_a = groups_.at(root_of(a));
  const Group& group_b = groups_.at(root_of(b));
  if (group_a.parameters != group_b.parameters ||
      group_a.scheme.value_or(scheme_) != group_b.scheme.value_or(scheme_))
    return;
  const Range range = united(group_a.range, group_b.range);
  const Range bounds = common(group_a.bounds, group_b.bounds);
  if (range.min >= bounds.min && range.max <= bounds.max) unite(a, b);
}

ActivationQuantization ScaleGroups::quantization(ValueId value) const {
  const ValueId root = root_of(value);
  const Group& group = groups_.at(root);
  const QuantizationScheme scheme = group.scheme.value_or(scheme_);
  return {.scheme = scheme,
          .parameters = group.parameters ? *group.parameters : parameters_for(group.range, scheme),
          .scale_owner = root};
}

}  // namespace edgeopt
