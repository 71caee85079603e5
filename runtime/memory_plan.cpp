#include "runtime/memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace edgeopt {
namespace {

constexpr std::size_t alignment = 64;  // one cache line, and one AVX-512 vector

std::size_t rounded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

struct Placed {
  std::size_t offset = 0;
  std::size_t end = 0;
};

// The start of the smallest gap between `taken` (sorted by offset) that holds `bytes`; their end if none
// does.
std::size_t best_gap(const std::vector<Placed>& taken, std::size_t bytes) {
  std::size_t best = 0;
  std::size_t best_size = std::numeric_limits<std::size_t>::max();
  std::size_t end = 0;
  for (const Placed& block : taken) {
    const std::size_t gap = block.offset > end ? block.offset - end : 0;
    if (gap >= bytes && gap < best_size) {
      best = end;
      best_size = gap;
    }
    end = std::max(end, block.end);
  }
  return best_size == std::numeric_limits<std::size_t>::max() ? end : best;
}

}  // namespace

MemoryPlan plan_memory(const std::vector<Lifetime>& blocks) {
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  MemoryPlan plan{.offsets = std::vector<std::size_t>(blocks.size())};
  std::vector<std::size_t> placed;
  for (const std::size_t block : order) {
    std::vector<Placed> taken;
    for (const std::size_t other : placed)
      if (blocks[other].first <= blocks[block].last && blocks[block].first <= blocks[other].last)
        taken.push_back({plan.offsets[other], plan.offsets[other] + rounded(blocks[other].bytes)});
    std::sort(taken.begin(), taken.end(),
              [](const Placed& a, const Placed& b) { return a.offset < b.offset; });
    plan.offsets[block] = best_gap(taken, rounded(blocks[block].bytes));
    plan.bytes = std::max(plan.bytes, plan.offsets[block] + rounded(blocks[block].bytes));
    placed.push_back(block);
  }
  return plan;
}

}  // namespace edgeopt
