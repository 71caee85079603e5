// Reading and writing what DequantizeLinear stands on: the integers of weights, biases and activations.
#pragma once
#include <optional>

#include "ir/graph.h"

namespace edgeopt {

/// What a DequantizeLinear node dequantizes.
struct IntegerPlace {
  enum class Kind { weight, bias, activation };
  Kind kind = Kind::weight;
  ValueId source = ValueId::none;  // of an activation: what QuantizeLinear reads
  int low = 0;                     // the integers that may be used
  int high = 0;
  int axis = -1;  // of the scales; -1: one for all
};

/// Nothing for what training leaves as it is: scales that are computed, blocks, integers of unknown origin.
std::optional<IntegerPlace> integer_place_at(const Graph& graph, const Node& dequantize);

/// The integers of a weight or bias, and who reads them: the DequantizeLinear, or a Cast in front of it that
/// widens integers of fewer bits.
struct IntegerSource {
  NodeId reader = NodeId::none;
  Tensor integers;
};
std::optional<IntegerSource> integer_source_of(const Graph& graph, const Node& dequantize);

/// The floats that a DequantizeLinear of constants gives.
Tensor dequantized(const Graph& graph, const Node& dequantize);

/// `value` as integers for the constant that `dequantize` reads, at `scale`, saturated to its place's range.
Tensor rounded_to(const Graph& graph, const Node& dequantize, const Tensor& value, const Tensor& scale);

}  // namespace edgeopt
