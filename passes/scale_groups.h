// Values that share one scale, because something between them only moves elements.
#pragma once
#include <map>
#include <optional>

#include "ir/graph.h"
#include "ir/quantization/quantization_scheme.h"

namespace edgeopt {

/// How the elements of an activation become integers.
struct ActivationQuantization {
  QuantizationScheme scheme;
  QuantizationParameters parameters;
  ValueId scale_owner = ValueId::none;  // the same for all values that share scale and zero point
};

/// Union-find over values; a group's range covers those of its members, its bounds are what activations
/// promise. What was decided ahead (Value::quantization) wins over `scheme` and over ranges; of several
/// widths in one group the widest, of several scales that of the value first united.
class ScaleGroups {
 public:
  ScaleGroups(const Graph& graph, const QuantizationScheme& scheme) : graph_(graph), scheme_(scheme) {}

  void add(ValueId value);
  /// The value's elements end at an activation's bounds, which the quantization behind it shall express.
  void bound(ValueId value, const Range& bounds);
  void unite(ValueId a, ValueId b);
  /// Unites only if the common range stays inside every member's bounds: a Relu that shared a scale with
  /// negative values could no longer vanish into the quantization. Nor if one has a scale or width of its
  /// own.
  void unite_if_bounds_allow(ValueId a, ValueId b);
  ActivationQuantization quantization(ValueId value) const;

 private:
  struct Group {
    ValueId parent;
    Range range;
    Range bounds;
    std::optional<QuantizationScheme> scheme = {};
    std::optional<QuantizationParameters> parameters = {};
  };
  ValueId root_of(ValueId value) const;

  const Graph& graph_;
  QuantizationScheme scheme_;
  std::map<ValueId, Group> groups_;
};

}  // namespace edgeopt
