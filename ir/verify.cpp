// The rules that every Graph keeps, each with its letter in the message: (G1) nodes are sorted, (G2) every
// read value exists, (G3) a value is assigned once, (G4) names are unique and not empty, (G5) outputs exist,
// (G6) uses are what nodes read.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"
#include "support/error.h"

namespace edgeopt {
namespace {

void require(bool holds, std::string_view rule, const std::string& place) {
  if (!holds) throw InternalError(fmt::format("the graph breaks rule {}: {}", rule, place));
}

void verify_values(const Graph& graph) {
  std::unordered_set<std::string_view> names;
  for (const ValueId id : graph.values()) {
    const Value& value = graph.value(id);
    require(!value.name.empty() && names.insert(value.name).second, "G4 (unique names)", value.name);
    if (value.producer == NodeId::none) continue;
    require(graph.contains(value.producer), "G3 (assigned once)", value.name);
    const Node& producer = graph.node(value.producer);
    require(producer.has_output(static_cast<std::size_t>(value.output_index)) &&
                producer.outputs[static_cast<std::size_t>(value.output_index)] == id,
            "G3 (assigned once)", value.name);
  }
  for (const ValueId id : graph.outputs()) require(graph.contains(id), "G5 (outputs exist)", graph.name());
}

void verify_reads(const Graph& graph, const Node& node, const std::vector<bool>& is_assigned) {
  const auto check = [&](ValueId id) {
    require(graph.contains(id), "G2 (read values exist)", node.op_type + " '" + node.name + "'");
    const Value& value = graph.value(id);
    require(value.producer == NodeId::none || is_assigned[static_cast<std::size_t>(id)],
            "G1 (nodes are sorted)", node.op_type + " '" + node.name + "' reads '" + value.name + "'");
  };
  for (const ValueId input : node.inputs)
    if (input != ValueId::none) check(input);
  for (const Capture& capture : node.captures) check(capture.value);
}

}  // namespace

void verify(const Graph& graph) {
  verify_values(graph);
  std::size_t largest = 0;
  for (const ValueId id : graph.values()) largest = std::max(largest, static_cast<std::size_t>(id) + 1);
  std::vector<bool> is_assigned(largest, false);
  std::size_t read_count = 0;
  for (const NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    verify_reads(graph, node, is_assigned);
    for (const ValueId input : node.inputs) read_count += input != ValueId::none;
    read_count += node.captures.size();
    for (const ValueId output : node.outputs) {
      if (output == ValueId::none) continue;
      require(graph.contains(output) && graph.value(output).producer == id, "G3 (assigned once)", node.name);
      is_assigned[static_cast<std::size_t>(output)] = true;
    }
  }
  std::size_t use_count = 0;
  for (const ValueId id : graph.values()) use_count += graph.uses(id).size();
  require(use_count == read_count, "G6 (uses are what nodes read)", graph.name());
}

}  // namespace edgeopt
