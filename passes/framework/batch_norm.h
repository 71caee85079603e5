// BatchNormalization in inference: a factor and a summand per channel.
#pragma once
#include <variant>

#include "passes/framework/linear_layer.h"

namespace edgeopt {

/// gain = scale / sqrt(variance + epsilon) and shift = bias - gain * mean, or the reason why the node is not
/// that: it trains, or a parameter is computed.
std::variant<Declined, ChannelAffine> affine_of_batch_norm(const Graph& graph, const Node& norm);

}  // namespace edgeopt
