// Layers of a Q/DQ graph that compute with integer weights.
#pragma once
#include <optional>
#include <string>

#include "ir/graph.h"

namespace edgeopt {

/// Conv, Gemm or MatMul whose weight is DequantizeLinear(constant integers), or of a Cast of them.
struct IntegerLayer {
  NodeId node = NodeId::none;
  NodeId dequantize = NodeId::none;  // of the weight
  Tensor integers;                   // as they lie in the file
  Tensor scales;
  int axis = -1;  // one scale per index of it; -1: one for all
};

std::optional<IntegerLayer> integer_layer_at(const Graph& graph, const Node& node);

}  // namespace edgeopt
