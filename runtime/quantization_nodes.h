// Reading QuantizeLinear and DequantizeLinear nodes.
#pragma once
#include <optional>

#include "runtime/shaped_graph.h"
#include "runtime/task.h"

namespace edgeopt {

/// The scales and zero points of a QuantizeLinear or DequantizeLinear node; nothing unless they are constant,
/// of type float, and per tensor or per index of one axis.
std::optional<Quantization> quantization_of(const ShapedGraph& shaped, const Node& node);

}  // namespace edgeopt
