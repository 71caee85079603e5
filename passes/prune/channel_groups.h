// Channels that can be removed from a graph: indexes of dims that must go together, found from the operators'
// own rules (OpDefinition::tied_dims).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

/// A layer with weights of which some output channels must stay, and why.
struct KeptLayer {
  std::string node;
  std::string op_type;
  std::int64_t channel_count = 0;
  std::int64_t kept_count = 0;  // channels that cannot be removed
  std::string reason;
};

struct ChannelGroups {
  std::vector<ChannelGroup> groups;
  std::vector<KeptLayer> kept;
};

/// The channels that can go without changing the model's inputs and outputs. Where a node leaves a choice
/// between whole blocks and the inside of blocks (TiedDims::choice), the one that leaves more to remove is
/// taken; at equality whole blocks, but the inside where a Transpose between two Reshapes shuffles channels.
///
/// graph     with inferred types; fused graphs have the fewest obstacles
/// excluded  nodes whose constants must stay as they are, by name or name of output
/// cost      one pass over all indexes of all values for each choice
/// throws    UserError naming an excluded node that is not there
/// source    dependency groups: Fang et al., "DepGraph: Towards Any Structural Pruning", CVPR 2023; here per
///           index instead of per dim, so that Concat, Pad and blocks need no special case
ChannelGroups find_channel_groups(const Graph& graph, const std::vector<std::string>& excluded = {});

/// The name of a node for people: its own, or its first output's.
std::string display_name(const Graph& graph, const Node& node);

}  // namespace edgeopt
