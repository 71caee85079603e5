// The gradients of a convolution (ir/rules/convolve.h), in double precision: every product w * x that goes
// into y[o] gives w * dy[o] to dx and x * dy[o] to dw.
#pragma once
#include <span>
#include <vector>

#include "ir/rules/convolve.h"

namespace edgeopt {

/// dy [N,M,...], w [M,C/group,...]; returns dx [N,C,...]. Same result at any thread count.
std::vector<double> convolution_input_gradient(const Convolution& convolution, std::span<const double> dy,
                                               std::span<const double> w);

/// dy [N,M,...], x [N,C,...]; returns dw [M,C/group,...]. Same result at any thread count.
std::vector<double> convolution_weight_gradient(const Convolution& convolution, std::span<const double> dy,
                                                std::span<const double> x);

}  // namespace edgeopt
