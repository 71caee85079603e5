// Where intermediate values lie in one arena: two values share bytes when they never live at the same time.
#pragma once
#include <cstddef>
#include <vector>

namespace edgeopt {

/// A block of memory that is needed from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  // one per block, multiples of 64
  std::size_t bytes = 0;             // of the arena
};

/// Greedy best fit by size: the largest block first, each into the smallest gap that is free during its life.
///
/// source  Pisarchyk, Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020 (greedy by size)
MemoryPlan plan_memory(const std::vector<Lifetime>& blocks);

}  // namespace edgeopt
