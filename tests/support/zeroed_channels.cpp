#include "tests/support/zeroed_channels.h"

#include <algorithm>
#include <cmath>

#include "ir/edit.h"
#include "ir/evaluate.h"
#include "ir/rules/move_elements.h"
#include "passes/prune/channel_groups.h"
#include "passes/prune/remove_channels.h"
#include "tests/support/random_tensors.h"

namespace edgeopt {
namespace {

Tensor zeroed(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& indexes) {
  auto picked = all_indices(tensor.dims());
  for (const std::int64_t index : indexes) picked[axis][static_cast<std::size_t>(index)] = -1;
  return select_indices(tensor, picked);
}

}  // namespace

Graph with_zeroed_channels(const Graph& graph, const std::vector<ChannelUnit>& units) {
  Edit edit(graph);
  for (const auto& [dim, indexes] : removed_indexes(units)) {
    const std::optional<Tensor> constant = edit.draft().constant(dim.value);
    if (constant && is_floating_point(constant->dtype()))
      edit.set_constant(dim.value, zeroed(*constant, static_cast<std::size_t>(dim.axis), indexes));
  }
  return edit.apply();
}

std::optional<std::string> removal_fault(const Graph& graph, double share) {
  std::vector<ChannelUnit> units;
  for (const ChannelGroup& group : find_channel_groups(graph).groups) {
    const auto wanted = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(group.units.size())));
    const std::int64_t count = std::min<std::int64_t>(wanted, std::ssize(group.units) - 1);
    units.insert(units.end(), group.units.begin(), group.units.begin() + count);
  }
  const Tensors inputs = random_inputs(graph, 1);
  // Sums run over the same numbers but for zeros, in double: rounding to float is all that may differ.
  constexpr double rounding = 1e-6;
  return difference_beyond(evaluate(with_zeroed_channels(graph, units), inputs),
                           evaluate(remove_channels(graph, units), inputs), rounding);
}

}  // namespace edgeopt
