// The proof of channel groups: channels whose constants are zero everywhere can be removed without a trace.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

/// The graph with zeros at these units in every floating-point constant.
Graph with_zeroed_channels(const Graph& graph, const std::vector<ChannelUnit>& units);

/// What goes wrong if the first `share` of every group's units (at least one, never all) is removed: the
/// result must compute what the graph with these channels zeroed computes. Nothing if all is well.
std::optional<std::string> removal_fault(const Graph& graph, double share);

}  // namespace edgeopt
