// Gradients of reductions: what belongs to one result is spread over the elements that it was made of.
#pragma once
#include "ir/gradient/gradient_rules.h"

namespace edgeopt {

/// `value` expanded to the dims of the node's first input.
ValueId spread(const GradientCall& call, ValueId value);
/// The gradient of a mean; `mean` is the value of the graph that it is, which tells the number of elements.
ValueId spread_mean(const GradientCall& call, ValueId dy, ValueId mean);
/// dy shared equally by the elements that are equal to the result, along the axes (an int64 value). dy and
/// the node's result have the rank of the input.
ValueId spread_to_extremes(const GradientCall& call, ValueId dy, ValueId axes);

/// The gradients of all ReduceXxx, by the operator's name; empty for one that has none.
GradientRule reduction_gradient(const std::string& op_type);

}  // namespace edgeopt
