// Channels as sets of indexes of dims, for those who find, rank and remove them.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace edgeopt {

/// One axis of one value.
struct ValueDim {
  ValueId value = ValueId::none;
  int axis = 0;
  auto operator<=>(const ValueDim&) const = default;
};

/// One index of one axis.
struct DimIndex {
  ValueDim dim;
  std::int64_t index = 0;
  auto operator<=>(const DimIndex&) const = default;
};

/// What must be removed together: a channel with everything that computes and reads it. Sorted.
using ChannelUnit = std::vector<DimIndex>;

/// Units that lie on the same dims with the same number of indexes, and so cost the same.
struct ChannelGroup {
  std::string name;            // the layers that compute its channels
  std::vector<ValueDim> dims;  // sorted
  std::vector<ChannelUnit> units;
};

/// The indexes that go, by dim; sorted, each once.
using RemovedIndexes = std::map<ValueDim, std::vector<std::int64_t>>;
RemovedIndexes removed_indexes(std::span<const ChannelUnit> units);

/// The indexes that go from one axis; null if none do.
const std::vector<std::int64_t>* find_removed(const RemovedIndexes& removed, ValueId value, std::size_t axis);
/// The tensor without the removed indexes of its value.
Tensor without_removed(const Tensor& tensor, ValueId value, const RemovedIndexes& removed);
/// The type with the sizes that are left.
ValueType without_removed(const ValueType& type, ValueId value, const RemovedIndexes& removed);

/// In which order the units of a group go, and what that does.
struct ChannelRanking {
  std::vector<std::size_t> order;  // indexes of units, the least harmful first
  /// damage[k]: of removing the first k; starts with 0, never falls. Comparable between groups of one method.
  std::vector<double> damage;
};

}  // namespace edgeopt
