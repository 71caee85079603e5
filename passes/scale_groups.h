// Values that share one scale, because something between them only moves elements.
#pragma once
#include <map>

#include "ir/graph.h"
#include "ir/quantization_scheme.h"

namespace edgeopt {

/// Union-find over values; a group's range covers those of its members, its bounds are what activations
/// promise.
class ScaleGroups {
 public:
  ScaleGroups(const Graph& graph, const QuantizationScheme& scheme) : graph_(graph), scheme_(scheme) {}

  void add(ValueId value);
  /// The value's elements end at an activation's bounds, which the quantization behind it shall express.
  void bound(ValueId value, const Range& bounds);
  void unite(ValueId a, ValueId b);
  /// Unites only if the common range stays inside every member's bounds: a Relu that shared a scale with
  /// negative values could no longer vanish into the quantization.
  void unite_if_bounds_allow(ValueId a, ValueId b);
  QuantizationParameters parameters(ValueId value) const;

 private:
  struct Group {
    ValueId parent;
    Range range;
    Range bounds;
  };
  ValueId root_of(ValueId value) const;

  const Graph& graph_;
  QuantizationScheme scheme_;
  std::map<ValueId, Group> groups_;
};

}  // namespace edgeopt
