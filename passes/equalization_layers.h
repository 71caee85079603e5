// Conv, Gemm and MatMul seen as matrices between channels, and what may lie between two of them when a
// positive factor per channel passes through.
#pragma once
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "passes/framework/pass.h"

namespace edgeopt {

/// One Conv, Gemm or MatMul with constant weights, in float64.
struct EqualizedLayer {
  NodeId node = NodeId::none;
  std::vector<double> weight;
  std::vector<std::int32_t> output_channel;  // of each weight
  std::vector<std::int32_t> input_channel;   // of each weight
  std::vector<double> bias;                  // one per output channel; empty: none
  std::int32_t output_count = 0;
  std::int32_t input_count = 0;
};

/// The layer of a node, or why its weights cannot be scaled; a reason of no words if it is none
/// of these.
std::variant<Declined, EqualizedLayer> equalized_layer_of(const Graph& graph, const Node& node);

/// From one Conv or Gemm to the next, through Relu, pools and the like, each with one reader.
struct LayerLink {
  NodeId first = NodeId::none;
  NodeId second = NodeId::none;
  std::vector<ValueId> between;  // whose elements change with the factors
  std::int32_t repeat = 1;  // inputs of the second that belong to one channel (a Flatten of [N, C, H, W])
};

/// What reads the layer's result alone, if a positive factor per channel passes through to its weights.
std::variant<Declined, LayerLink> link_behind(const Graph& graph, const EqualizedLayer& layer);

}  // namespace edgeopt
