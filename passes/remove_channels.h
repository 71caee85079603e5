// Takes channels out of a graph for real: constants, attributes and shape parameters shrink.
#pragma once
#include <map>
#include <span>
#include <vector>

#include "ir/channels.h"
#include "ir/graph.h"

namespace edgeopt {

/// The indexes that go, by dim; sorted, each once.
using RemovedIndexes = std::map<ValueDim, std::vector<std::int64_t>>;
RemovedIndexes removed_indexes(std::span<const ChannelUnit> units);

/// The tensor without the removed indexes of its value.
Tensor without_removed(const Tensor& tensor, ValueId value, const RemovedIndexes& removed);
/// The type with the sizes that are left.
ValueType without_removed(const ValueType& type, ValueId value, const RemovedIndexes& removed);

/// The graph without these units of find_channel_groups(graph). Its result has the sizes that the operators'
/// own shape rules give. throws  InternalError if they do not
Graph remove_channels(const Graph& graph, std::span<const ChannelUnit> units);

}  // namespace edgeopt
