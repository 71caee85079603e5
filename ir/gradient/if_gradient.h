// The gradient of If: an If whose branches are the gradients of its branches.
#pragma once
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// The rule of If. Each branch computes its values once more, and zeros for what it does not read. The types
/// of the branches' values must have been inferred.
std::vector<ValueId> if_gradient(const GradientCall& call);

}  // namespace edgeopt
