// Takes channels out of a graph for real: constants, attributes and shape parameters shrink.
#pragma once
#include <span>

#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

/// The graph without these units of find_channel_groups(graph). Its result has the sizes that the operators'
/// own shape rules give. throws  InternalError if they do not
Graph remove_channels(const Graph& graph, std::span<const ChannelUnit> units);

}  // namespace edgeopt
