// Values taken apart: x * c with c constant, written as Mul or Div.
#pragma once
#include <optional>
#include <utility>

#include "ir/graph.h"

namespace edgeopt {

/// factor * value.
struct Scaled {
  ValueId value = ValueId::none;
  double factor = 1;
};

/// The value as another one times a number: Mul by a constant, or Div by one. Nothing otherwise.
std::optional<Scaled> scaled_value(const Graph& graph, ValueId id);

/// The value as another one plus a number: {value, summand}. Nothing unless an Add or Sub computes it so.
std::optional<std::pair<ValueId, double>> shifted_value(const Graph& graph, ValueId id);

/// True if the numbers agree to the few digits to which exporters round such constants (1e-4 relative: the
/// shortest seen are 1.4142 and 0.7978).
bool is_about(double number, double wanted);

}  // namespace edgeopt
