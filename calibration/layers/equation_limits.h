// How many equations a layer gets when its weights are solved for, and when it gets none.
#pragma once
#include <cstdint>

namespace edgeopt {

struct EquationLimits {
  /// Samples used at most; see docs/prune.md for what more bring.
  std::int64_t largest_sample_count = 1000;
  /// Windows of one sample that become equations, at most: neighbours say nearly the same.
  std::int64_t positions_per_sample = 64;
  /// Layers with more inputs per window are left as they are: their equations would not fit into memory.
  std::int64_t most_features = 4608;
};

}  // namespace edgeopt
