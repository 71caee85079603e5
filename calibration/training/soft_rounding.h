// Rounding as something to learn: h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1) is how far up an element goes.
//   source  Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020,
//   section 3.2
#pragma once
#include <span>

#include "calibration/training/integer_places.h"
#include "ir/graph.h"

namespace edgeopt {

/// zeta - gamma of the paper: how far the sigmoid is stretched beyond [0, 1], so that h reaches both ends.
inline constexpr double rounding_stretch = 1.2;

struct SoftRounding {
  Tensor floor;     // floor(weight / scale), float, dims of the weight
  Tensor variable;  // v with h(v) = weight / scale - floor: rounding starts as the weight itself
  Tensor scale;     // in dims that broadcast over the weight
};
SoftRounding soft_rounding_of(const Tensor& weight, const Tensor& scale, const IntegerPlace& place);

/// The integers of floor and the nearer end of h(v), for the constant that `dequantize` reads.
Tensor hardened(const Graph& graph, const Node& dequantize, const Tensor& floor, const Tensor& variable);

/// v moved to where h(v) is exactly 0 or 1.
Tensor hardened(const Tensor& variable);

/// Adds weight * d/dv sum (1 - |2 h(v) - 1|^sharpness) to the gradient: pulls every h to one of its ends.
void add_rounding_pull(std::span<const float> variable, double weight, double sharpness,
                       std::span<float> gradient);

}  // namespace edgeopt
