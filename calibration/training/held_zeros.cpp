#include "calibration/training/held_zeros.h"

#include <algorithm>

#include "ir/evaluate.h"

namespace edgeopt {
namespace {

constexpr std::int64_t zeros_per_neighbour = 2;

}  // namespace

HeldElements held_zeros(const Tensor& weight) {
  HeldElements held;
  for (const float element : weight.data<float>()) held.push_back(element == 0 ? 1 : 0);
  const auto count = std::ranges::count(held, 1);
  return count == 0 || count == std::ssize(held) ? HeldElements{} : held;
}

HeldElements held_integer_zeros(const Tensor& integers) {
  HeldElements held;
  std::int64_t zero_count = 0, neighbour_count = 0;
  for (const std::int64_t element : to_int64s(integers)) {
    held.push_back(element == 0 ? 1 : 0);
    zero_count += element == 0 ? 1 : 0;
    neighbour_count += element == 1 || element == -1 ? 1 : 0;
  }
  const bool are_pruned = zero_count > zeros_per_neighbour * neighbour_count && zero_count < std::ssize(held);
  return are_pruned ? held : HeldElements{};
}

}  // namespace edgeopt
