#include "passes/prune/index_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::int32_t no_reason = std::numeric_limits<std::int32_t>::max();
// Longer dims are no channels.
constexpr std::int64_t longest_dim = std::int64_t{1} << 20;

}  // namespace

IndexSets::IndexSets(const Graph& graph) {
  std::int32_t next = 0;
  for (const ValueId id : graph.values()) {
    const auto v = static_cast<std::size_t>(id);
    if (first_.size() <= v) {
      first_.resize(v + 1);
      sizes_.resize(v + 1);
    }
    const auto& shape = graph.type_of(id).shape;
    if (!shape) continue;
    for (std::size_t axis = 0; axis < shape->size(); ++axis) {
      const Dim& dim = (*shape)[axis];
      const bool is_known = dim.is_number() && dim.size <= longest_dim;
      first_[v].push_back(is_known ? next : -1);
      sizes_[v].push_back(is_known ? dim.size : 0);
      if (!is_known) continue;
      dims_.push_back({id, static_cast<int>(axis)});
      next += static_cast<std::int32_t>(dim.size);
    }
  }
  parent_.resize(static_cast<std::size_t>(next));
  std::iota(parent_.begin(), parent_.end(), 0);
  reason_.assign(parent_.size(), no_reason);
  stamps_.assign(parent_.size(), -1);
}

std::int64_t IndexSets::size_of(const ValueDim& dim) const {
  const auto& sizes = sizes_.at(static_cast<std::size_t>(dim.value));
  return static_cast<std::size_t>(dim.axis) < sizes.size() ? sizes[static_cast<std::size_t>(dim.axis)] : 0;
}

std::int32_t IndexSets::element(const DimIndex& index) const {
  return first_[static_cast<std::size_t>(index.dim.value)][static_cast<std::size_t>(index.dim.axis)] +
         static_cast<std::int32_t>(index.index);
}

std::int32_t IndexSets::root(std::int32_t element) {
  while (parent_[static_cast<std::size_t>(element)] != element) {
    std::int32_t& parent = parent_[static_cast<std::size_t>(element)];
    parent = parent_[static_cast<std::size_t>(parent)];
    element = parent;
  }
  return element;
}

// The smaller root stays, so that the result does not depend on the order of the calls.
void IndexSets::unite(const DimIndex& a, const DimIndex& b) {
  const std::int32_t x = root(element(a)), y = root(element(b));
  if (x == y) return;
  const auto winner = static_cast<std::size_t>(std::min(x, y)),
             loser = static_cast<std::size_t>(std::max(x, y));
  parent_[loser] = static_cast<std::int32_t>(winner);
  reason_[winner] = std::min(reason_[winner], reason_[loser]);
}

std::int32_t IndexSets::reason_index(const std::string& reason) {
  if (reasons_.empty() || reasons_.back() != reason) reasons_.push_back(reason);
  return static_cast<std::int32_t>(reasons_.size()) - 1;
}

void IndexSets::keep(const DimIndex& index, const std::string& reason) {
  std::int32_t& known = reason_[static_cast<std::size_t>(root(element(index)))];
  known = std::min(known, reason_index(reason));
}

void IndexSets::keep_all(ValueId value, const std::string& reason) {
  const auto v = static_cast<std::size_t>(value);
  for (std::size_t axis = 0; axis < sizes_[v].size(); ++axis)
    for (std::int64_t i = 0; i < sizes_[v][axis]; ++i) keep({{value, static_cast<int>(axis)}, i}, reason);
}

void IndexSets::keep_whole_dims() {
  for (const ValueDim& dim : dims_) {
    const std::int64_t size = size_of(dim);
    bool is_one_set = size > 0;
    for (std::int64_t i = 1; i < size && is_one_set; ++i) is_one_set = set_of({dim, i}) == set_of({dim, 0});
    if (is_one_set) keep({dim, 0}, size == 1 ? "it is the only one" : "all of them hang together");
  }
}

void IndexSets::add_tie(const Node& node, const TiedDims& tie, bool unites) {
  const auto value_dim = [&](const OperandDim& dim) {
    const auto& list = dim.is_output ? node.outputs : node.inputs;
    const auto position = static_cast<std::size_t>(dim.operand);
    return ValueDim{position < list.size() ? list[position] : ValueId::none, dim.axis};
  };
  std::vector<std::pair<ValueDim, OperandDim>> dims;
  for (const OperandDim& dim : tie.dims)
    if (value_dim(dim).value != ValueId::none) dims.emplace_back(value_dim(dim), dim);
  if (dims.empty()) return;
  std::int64_t count = tie.count;
  for (const auto& [where, dim] : dims) {
    if (size_of(where) == 0) return;
    if (count < 0) count = size_of(where);
  }
  for (std::int64_t i = 0; i < count; ++i)
    for (const auto& [where, dim] : dims)
      for (std::int64_t c = 0; c < dim.copies; ++c)
        for (std::int64_t r = 0; r < dim.repeat; ++r) {
          const DimIndex index{where, dim.offset + c * dim.period + i * dim.step + r};
          if (index.index < 0 || index.index >= size_of(where))
            throw InternalError(
                fmt::format("{} '{}': a tie leaves axis {}", node.op_type, node.name, where.axis));
          mark(index);
          const OperandDim& first = dims.front().second;
          if (unites) unite(index, {dims.front().first, first.offset + i * first.step});
        }
}

std::optional<std::string> IndexSets::reason_to_keep(const DimIndex& index) {
  const std::int32_t reason = reason_[static_cast<std::size_t>(set_of(index))];
  if (reason == no_reason) return std::nullopt;
  return reasons_[static_cast<std::size_t>(reason)];
}

}  // namespace edgeopt
