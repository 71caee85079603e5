// Clip and Relu seen as one thing: min(max(x, low), high).
#pragma once
#include <optional>
#include <string>

#include "passes/framework/pass.h"

namespace edgeopt {

struct ClipRange {
  double low;   // -infinity where there is no bound
  double high;  // infinity where there is no bound
};

/// The range of a Clip with constant bounds or of a Relu; nothing for anything else.
std::optional<ClipRange> clip_range_of(const Graph& graph, const Node& node);

/// Relu where that is all the range says, else Clip in the form of the graph's opset. Elements are float32 or
/// float64.
ValueId add_clip(Edit& edit, const Graph& graph, ValueId x, const ClipRange& range, const std::string& name);

}  // namespace edgeopt
