// The gradient of If: an If whose branches are the gradients of its branches.
#pragma once
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// The gradients of the outer values that the branches of an If read, one per capture of the node;
/// ValueId::none where it is not wanted. Each branch computes its values once more, and zeros for what it
/// does not read. The types of the branches' values must have been inferred.
std::vector<ValueId> if_gradient(const GradientCall& call, const std::vector<bool>& wanted_captures);

}  // namespace edgeopt
