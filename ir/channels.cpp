#include "ir/channels.h"

#include <algorithm>

#include "ir/rules/move_elements.h"

namespace edgeopt {

const std::vector<std::int64_t>* find_removed(const RemovedIndexes& removed, ValueId value,
                                              std::size_t axis) {
  const auto found = removed.find({value, static_cast<int>(axis)});
  return found == removed.end() ? nullptr : &found->second;
}

RemovedIndexes removed_indexes(std::span<const ChannelUnit> units) {
  RemovedIndexes removed;
  for (const ChannelUnit& unit : units)
    for (const DimIndex& member : unit) removed[member.dim].push_back(member.index);
  for (auto& [dim, indexes] : removed) {
    std::ranges::sort(indexes);
    indexes.erase(std::ranges::unique(indexes).begin(), indexes.end());
  }
  return removed;
}

Tensor without_removed(const Tensor& tensor, ValueId value, const RemovedIndexes& removed) {
  auto indices = all_indices(tensor.dims());
  bool is_touched = false;
  for (std::size_t axis = 0; axis < indices.size(); ++axis) {
    const auto* gone = find_removed(removed, value, axis);
    if (!gone) continue;
    is_touched = true;
    std::erase_if(indices[axis], [&](std::int64_t i) { return std::ranges::binary_search(*gone, i); });
  }
  return is_touched ? select_indices(tensor, indices) : tensor;
}

ValueType without_removed(const ValueType& type, ValueId value, const RemovedIndexes& removed) {
  ValueType result = type;
  if (!result.shape) return result;
  for (std::size_t axis = 0; axis < result.shape->size(); ++axis)
    if (const auto* gone = find_removed(removed, value, axis))
      (*result.shape)[axis] = Dim((*result.shape)[axis].size - std::ssize(*gone));
  return result;
}

}  // namespace edgeopt
