// Memory for time: forward values that the backward half of a step reads are computed a second time instead
// of being kept until then.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// The step with its forward half cut into segments, at the narrowest places near equal shares of what is
/// kept. Of every segment but the last, backward nodes read values that are computed once more from those
/// that cross its cuts.
///
/// forward        the nodes that lead to the loss; all others are backward
/// segment_count  1: the step as it is
/// returns        the same numbers, by the same operators; random ones are not repeated
/// source         Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016
Graph with_recomputation(const Graph& step, std::span<const NodeId> forward, std::int64_t segment_count);

struct FittingStep {
  Graph graph;
  std::int64_t segment_count = 1;
  std::size_t bytes = 0;  // of intermediate values, in one run
};

/// The step with the fewest segments whose intermediate values take at most `largest_bytes`.
///
/// inputs  of one run, as large as they come
/// throws  UserError saying the least that is possible
/// cost    one run for each number of segments that is tried
FittingStep fitting_step(const Graph& step, std::span<const NodeId> forward, const Tensors& inputs,
                         std::size_t largest_bytes);

}  // namespace edgeopt
