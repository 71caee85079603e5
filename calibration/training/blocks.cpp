#include "calibration/training/blocks.h"

#include <algorithm>
#include <map>
#include <set>

namespace edgeopt {
namespace {

// The index of the last node that reads each value; outputs are read at the end.
std::map<ValueId, std::size_t> last_readers(const Graph& graph) {
  std::map<ValueId, std::size_t> last;
  std::size_t index = 0;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    for (const ValueId input : node.inputs)
      if (input != ValueId::none) last[input] = index;
    for (const Capture& capture : node.captures) last[capture.value] = index;
    ++index;
  }
  for (const ValueId output : graph.outputs()) last[output] = index;
  return last;
}

}  // namespace

std::vector<ValueId> cut_values(const Graph& graph) {
  const std::map<ValueId, std::size_t> last = last_readers(graph);
  std::set<ValueId> alive;
  for (const ValueId input : graph.inputs())
    if (!graph.value(input).constant && last.contains(input)) alive.insert(input);
  std::vector<ValueId> cuts;
  std::size_t index = 0;
  for (const NodeId id : graph.nodes()) {
    for (const ValueId output : graph.node(id).outputs)
      if (output != ValueId::none && last.contains(output)) alive.insert(output);
    std::erase_if(alive, [&](ValueId value) { return last.at(value) <= index; });
    if (alive.size() == 1) cuts.push_back(*alive.begin());
    ++index;
  }
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

std::vector<ValueId> inputs_behind(const Graph& graph, ValueId value, ValueId stop) {
  std::set<ValueId> seen = {stop, ValueId::none};
  std::vector<ValueId> open = {value};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    const Node* producer = graph.producer(id);
    if (!producer) continue;
    open.insert(open.end(), producer->inputs.begin(), producer->inputs.end());
  }
  std::vector<ValueId> inputs;
  for (const ValueId input : graph.inputs())
    if (input != stop && seen.contains(input) && !graph.value(input).constant) inputs.push_back(input);
  return inputs;
}

}  // namespace edgeopt
