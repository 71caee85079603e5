// What a graph costs while channels go: multiply-adds, parameters and an estimate of time, from the
// operators' own cost rules.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "ir/channels.h"
#include "ir/graph.h"
#include "ir/op.h"

namespace edgeopt {

enum class CostKind {
  multiply_adds,
  parameters,  // elements of constants
  /// Operations with every channel count rounded up to the device's multiple, and the elements that a Conv
  /// moves to lay out its windows and to write its result.
  latency,
};

/// Sizes can be changed; costs follow. Symbols count as 1.
class GraphCost {
 public:
  GraphCost(const Graph& graph, CostKind kind, std::int64_t channel_multiple);

  double total() const { return total_; }
  /// How much less it costs when `units` units of the group go. Nothing changes.
  double gain(const ChannelGroup& group, std::int64_t units);
  /// Takes them away; a negative number gives them back.
  void remove(const ChannelGroup& group, std::int64_t units);
  /// The nodes and constants whose cost the group changes, as indexes: those of two groups that share one
  /// change together.
  const std::vector<std::size_t>& places_of(const ChannelGroup& group);

 private:
  struct Place {
    const Node* node = nullptr;  // null: a constant
    ValueId constant = ValueId::none;
    std::vector<Operand> inputs;
    double cost = 0;
  };
  void resize(const ChannelGroup& group, std::int64_t units);
  double cost_of(Place& place) const;
  Operand sized(Operand operand, ValueId value) const;

  const Graph& graph_;
  CostKind kind_;
  std::int64_t multiple_;
  std::vector<Place> places_;
  std::map<ValueDim, std::int64_t> sizes_;                 // of the dims of groups seen
  std::map<ValueId, std::vector<std::size_t>> places_at_;  // by value
  std::map<const ChannelGroup*, std::vector<std::size_t>> places_of_;
  double total_ = 0;
};

/// How many indexes a unit of the group has on each of its dims.
std::vector<std::int64_t> unit_sizes(const ChannelGroup& group);
/// The cost of a graph as it is.
double cost_of(const Graph& graph, CostKind kind, std::int64_t channel_multiple = 1);

}  // namespace edgeopt
