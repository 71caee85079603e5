// conv(gain x + shift, W, b) == conv(x, gain W, b + sum(W shift)): what scales and shifts the channels before
// a Conv moves into its weight and bias.
#pragma once
#include "passes/framework/linear_layer.h"

namespace edgeopt {

/// The Conv that reads `changed` == gain x + shift alone, or the reason why it cannot take the change over:
/// zeros that the Conv pads would have to be shifted too.
std::variant<Declined, const Node*> conv_behind(const Graph& graph, ValueId changed,
                                                const ChannelAffine& change);

/// The edit that lets the Conv read `x` instead. `change` has a gain.
Edit absorb_from_input(const Graph& graph, const Node& conv, const ChannelAffine& change, ValueId x);

}  // namespace edgeopt
