// Channels that a positive factor may pass through: x / s where they are written, s w where they are read.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "ir/channels.h"

namespace edgeopt {

/// Which unit each index of a dim belongs to; no_unit: its factor is 1 and stays so.
constexpr std::int32_t no_unit = -1;
using UnitsOfDim = std::vector<std::int32_t>;

/// A layer with constant weights at which a factor begins or ends.
struct FactorEnd {
  NodeId node = NodeId::none;
  UnitsOfDim units;  // by input channel of a reader, output channel of a writer
};

/// Channels that lie on common dims. All channels of one unit have one factor; units are free of each other.
struct FactorGroup {
  struct Member {
    ValueDim dim;
    UnitsOfDim units;
  };
  std::int32_t unit_count = 0;
  std::vector<Member> activations;
  std::vector<Member> addends;  // constants that are added to them
  std::vector<FactorEnd> writers;
  std::vector<FactorEnd> readers;
  /// The least upper bound of the Clips on the way: a factor moves it, so factors here must be at most 1 and
  /// leave x / s below the bound.
  double bound = std::numeric_limits<double>::infinity();
};

/// By group and unit.
using ChannelFactors = std::vector<std::vector<double>>;

}  // namespace edgeopt
