// What a Pad node does, over the opsets in which its pads moved from attributes to inputs; and the pads of
// the window behind it.
#pragma once
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "passes/framework/pass.h"

namespace edgeopt {

/// Constant padding of the dims behind the first two.
struct SpatialPad {
  std::vector<std::int64_t> begins;  // one per spatial axis, >= 0
  std::vector<std::int64_t> ends;
  double value = 0;
};

/// What the Pad node adds, or the reason why it is not constant padding of spatial dims alone.
std::variant<Declined, SpatialPad> spatial_pad_of(const Graph& graph, const Node& pad);

/// `pads` of a Conv or pool ([begins.., ends..]; empty: zeros) with those of `pad` added.
std::vector<std::int64_t> with_pad(std::vector<std::int64_t> pads, const SpatialPad& pad);

/// The window's own pads are written out as numbers: `auto_pad` is NOTSET, or VALID, which means zero.
bool has_explicit_pads(const Node& window);

}  // namespace edgeopt
