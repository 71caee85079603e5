// What counts as one integer operator: a node with the bias addition and activation that the runtime fuses
// into it.
#pragma once
#include <optional>
#include <string>
#include <variant>

#include "hwprofiles/profile.h"
#include "ir/graph.h"

namespace edgeopt {

enum class LayerKind {
  computes,     // Conv, Gemm, MatMul: has weights, decides for itself
  joins,        // Add, Concat, ...: integer between quantized neighbours
  keeps_scale,  // MaxPool, Reshape, ...: one scale on both sides
};

/// A node, and the nodes behind it that run inside the same integer operator.
struct Layer {
  LayerKind kind = LayerKind::computes;
  NodeId node = NodeId::none;
  NodeId bias_add = NodeId::none;    // Add of a constant behind MatMul
  NodeId activation = NodeId::none;  // Relu or Clip with constant bounds
  ValueId output = ValueId::none;    // of the last of them
  std::optional<Range> bounds;       // of the activation; max is infinite for Relu
  std::vector<ValueId> data_inputs;  // values that must be quantized (constants of `computes` left out)
};

/// A Conv in which every output channel reads one input channel.
bool is_depthwise(const Node& node, const Dims& weight);

/// The layer rooted at a node, or why the node cannot run in integers on the profile's device.
std::variant<Layer, std::string> layer_at(const Graph& graph, const Node& node,
                                          const QuantizationRules& rules);

}  // namespace edgeopt
