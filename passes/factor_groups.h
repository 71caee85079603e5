// Where a factor per channel can be moved from the layers that write an activation to those that read it.
#pragma once
#include <vector>

#include "ir/channel_factors.h"
#include "passes/framework/pass.h"

namespace edgeopt {

/// The groups of channels between layers, in the order of the graph: Conv, Gemm, MatMul and
/// LayerNormalization write, Conv, Gemm and MatMul read, and operators with f(s x) == s f(x) for s > 0 lie
/// between (Relu, pools, Add, Concat, ...). Channels that anything else touches, or that are the model's, are
/// in no group.
///
/// graph  with inferred types
std::vector<FactorGroup> find_factor_groups(const Graph& graph);

/// The graph with every channel divided by its factor. The same function within float rounding, but for
/// bounds of Clips (FactorGroup::bound).
/// throws  InternalError if a factor is not positive
Graph with_factors(const Graph& graph, const std::vector<FactorGroup>& groups, const ChannelFactors& factors);

}  // namespace edgeopt
