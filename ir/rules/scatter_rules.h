// What ScatterElements and ScatterND share: updates written to, or combined with, chosen elements of a
// tensor.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "ir/gradient/gradient_rules.h"
#include "ir/tensor.h"

namespace edgeopt {

/// The data with update i written to element targets[i]; `reduction` "add", "mul", "max" or "min" combines it
/// with what is there, one update after the other; "none" writes the last.
/// throws  UserError if types differ or the reduction is unknown
Tensor scattered(const Tensor& data, const Tensor& updates, const std::vector<std::int64_t>& targets,
                 const std::string& reduction);

/// By data and updates, where no two updates go to one place or they are added: `gather` reads dy where the
/// updates went.
GradientRule scatter_gradient(std::string gather);

}  // namespace edgeopt
