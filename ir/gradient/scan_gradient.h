// The gradients of Scan and Loop.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// The rule of Scan. The states are computed once more and stacked; a second Scan goes through them
/// backwards. The types of the body's values must have been inferred.
std::vector<ValueId> scan_gradient(const GradientCall& call);

/// The rule of Loop: the same, with as many runs as there turn out to be.
/// throws  UserError naming a carried value that is no tensor, or whose shape changes from run to run
std::vector<ValueId> loop_gradient(const GradientCall& call);

/// What of a Loop has no gradient, as far as the types of its graph tell; nothing if it has one.
std::optional<std::string> loop_gradient_obstacle(const Graph& graph, const Node& node);

}  // namespace edgeopt
