#include "calibration/training/recomputation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "ir/edit.h"
#include "ir/rules/subgraph_rules.h"
#include "runtime/engine.h"
#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::array segment_counts = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
constexpr int nowhere = -1;

// Open dims count as 1: every value has the same number of samples.
double size_of(const Graph& graph, ValueId id) {
  double count = 1;
  if (const auto& shape = graph.type_of(id).shape)
    for (const Dim& dim : *shape) count *= dim.is_number() ? static_cast<double>(dim.size) : 1;
  return count;
}

// Reads dims alone, which are known without the elements.
bool reads_elements(const Node& node) { return !node.is("Shape") && !node.is("Size"); }

class Recomputation {
 public:
  Recomputation(const Graph& step, std::span<const NodeId> forward) : step_(step), edit_(step) {
    for (const NodeId id : forward) is_forward_[id] = true;
    for (const NodeId id : step.nodes()) {
      if (!is_forward_.contains(id)) continue;
      place_[id] = static_cast<int>(order_.size());
      order_.push_back(id);
    }
    measure();
  }

  Graph run(std::int64_t segment_count) {
    cut(segment_count);
    mark_needed();
    for (const NodeId id : order_)
      if (needed_.contains(id)) repeat(step_.node(id));
    for (const NodeId id : step_.nodes())
      if (!is_forward_.contains(id)) redirect(step_.node(id));
    return edit_.apply();
  }

 private:
  int place_of(ValueId id) const {
    const Node* producer = id == ValueId::none ? nullptr : step_.producer(id);
    const auto found = producer ? place_.find(producer->id) : place_.end();
    return found == place_.end() ? nowhere : found->second;
  }

  int last_forward_use(ValueId id) const {
    int last = place_of(id);
    for (const Use& use : step_.uses(id))
      if (const auto found = place_.find(use.node); found != place_.end())
        last = std::max(last, found->second);
    return last;
  }

  bool is_read_backwards(ValueId id) const {
    return std::ranges::any_of(step_.uses(id), [&](const Use& use) {
      return !is_forward_.contains(use.node) && reads_elements(step_.node(use.node));
    });
  }

  // What is kept by each place, summed up; and what is alive in front of it for later forward nodes.
  void measure() {
    kept_until_.assign(order_.size(), 0);
    alive_.assign(order_.size() + 1, 0);
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (i > 0) kept_until_[i] = kept_until_[i - 1];
      for (const ValueId id : step_.node(order_[i]).outputs) {
        if (id == ValueId::none) continue;
        if (is_read_backwards(id)) kept_until_[i] += size_of(step_, id);
        for (int k = static_cast<int>(i) + 1; k <= last_forward_use(id); ++k)
          alive_[static_cast<std::size_t>(k)] += size_of(step_, id);
      }
    }
  }

  // The j-th cut lies where between j - 1/2 and j + 1/2 shares of what is kept the least is alive.
  void cut(std::int64_t segment_count) {
    std::vector<std::size_t> cuts;
    const double share = kept_until_.empty() ? 0 : kept_until_.back() / static_cast<double>(segment_count);
    for (std::int64_t j = 1; j < segment_count; ++j) {
      std::size_t best = 0;
      for (std::size_t i = 1; i < order_.size(); ++i) {
        const double shares = share > 0 ? kept_until_[i - 1] / share - static_cast<double>(j) : 1;
        if (std::abs(shares) <= 0.5 && (best == 0 || alive_[i] < alive_[best])) best = i;
      }
      if (best > 0) cuts.push_back(best);
    }
    for (std::size_t i = 0; i < order_.size(); ++i)
      segment_.push_back(
          static_cast<int>(std::ranges::count_if(cuts, [&](std::size_t c) { return c <= i; })));
  }

  int segment_at(int place) const { return segment_[static_cast<std::size_t>(place)]; }

  // Computed in a segment that is repeated, and not alive at its end.
  bool is_repeated(ValueId id) const {
    const int place = place_of(id);
    if (place == nowhere || segment_at(place) == segment_.back()) return false;
    return segment_at(place) == segment_at(last_forward_use(id)) &&
           is_repeatable(step_.node(order_[static_cast<std::size_t>(place)]));
  }

  void mark_needed() {
    for (auto id = order_.rbegin(); id != order_.rend(); ++id) {
      const Node& node = step_.node(*id);
      const bool is_wanted = std::ranges::any_of(node.outputs, [&](ValueId output) {
        return output != ValueId::none && is_repeated(output) &&
               (is_read_backwards(output) || std::ranges::any_of(step_.uses(output), [&](const Use& use) {
                  return needed_.contains(use.node);
                }));
      });
      if (is_wanted) needed_[*id] = true;
    }
  }

  ValueId repeated(ValueId id) const {
    const auto found = repeated_.find(id);
    return found == repeated_.end() ? id : found->second;
  }

  void repeat(const Node& node) {
    NodeSpec spec{.op_type = node.op_type,
                  .attributes = node.attributes,
                  .output_count = static_cast<int>(node.outputs.size()),
                  .domain = node.domain,
                  .name = node.name};
    for (const ValueId input : node.inputs) spec.inputs.push_back(repeated(input));
    for (const Capture& capture : node.captures)
      spec.captures.push_back({.name = capture.name, .value = repeated(capture.value)});
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i] == ValueId::none) spec.left_out_outputs.push_back(i);
    const std::vector<ValueId> outputs = edit_.add_node(std::move(spec));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i] != ValueId::none && is_repeated(node.outputs[i])) {
        repeated_[node.outputs[i]] = outputs[i];
        edit_.set_type(outputs[i], step_.type_of(node.outputs[i]), false);
      }
  }

  void redirect(const Node& node) {
    if (!reads_elements(node)) return;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (const ValueId to = repeated(node.inputs[i]); to != node.inputs[i]) edit_.set_input(node.id, i, to);
    std::vector<Capture> captures = node.captures;
    for (Capture& capture : captures) capture.value = repeated(capture.value);
    if (captures != node.captures) edit_.set_captures(node.id, std::move(captures));
  }

  const Graph& step_;
  Edit edit_;
  std::unordered_map<NodeId, bool> is_forward_, needed_;
  std::unordered_map<NodeId, int> place_;
  std::unordered_map<ValueId, ValueId> repeated_;
  std::vector<NodeId> order_;
  std::vector<double> kept_until_, alive_;
  std::vector<int> segment_;
};

}  // namespace

Graph with_recomputation(const Graph& step, std::span<const NodeId> forward, std::int64_t segment_count) {
  return segment_count <= 1 ? step : Recomputation(step, forward).run(segment_count);
}

FittingStep fitting_step(const Graph& step, std::span<const NodeId> forward, const Tensors& inputs,
                         std::size_t largest_bytes) {
  FittingStep best;
  for (const int count : segment_counts) {
    FittingStep candidate{.graph = with_recomputation(step, forward, count), .segment_count = count};
    const auto session = compile(candidate.graph);
    session->run(inputs);
    candidate.bytes = session->arena_bytes();
    if (count == 1 || candidate.bytes < best.bytes) best = std::move(candidate);
    if (best.bytes <= largest_bytes) return best;
  }
  throw UserError(
      fmt::format("the intermediate values of learning take at least {:.1f} MB in each thread, but only "
                  "{:.3g} MB are allowed; allow more, or use fewer threads",
                  static_cast<double>(best.bytes) / 1e6, static_cast<double>(largest_bytes) / 1e6));
}

}  // namespace edgeopt
