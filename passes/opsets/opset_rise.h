// A whole model at a later opset.
#pragma once
#include "passes/framework/pass.h"

namespace edgeopt {

/// The graph at opset 13 or 21, or as it was with the reasons why a node cannot be written there.
PassOutcome raise_opset_to(int wanted, const Graph& graph);

}  // namespace edgeopt
