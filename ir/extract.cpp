#include "ir/extract.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ir/edit.h"
#include "support/error.h"

namespace edgeopt {
namespace {

class Extraction {
 public:
  explicit Extraction(const Graph& graph) : graph_(graph), edit_(Graph()) {
    ModelHeader header = graph.header();
    edit_.set_header(std::move(header));
  }

  void add_input(ValueId id) { copies_[id] = edit_.add_input(graph_.name_of(id), graph_.type_of(id)); }

  void need(ValueId id) {
    if (id == ValueId::none || copies_.contains(id)) return;
    const Value& value = graph_.value(id);
    if (value.constant) {
      copies_[id] = edit_.add_constant(*value.constant, value.name);
    } else if (const Node* producer = graph_.producer(id)) {
      needed_.insert(producer->id);
      copies_[id] = ValueId::none;
      for (const ValueId input : producer->inputs) need(input);
      for (const Capture& capture : producer->captures) need(capture.value);
    } else {
      throw InternalError(fmt::format("the piece to extract needs the input '{}'", value.name));
    }
  }

  Graph finish(std::span<const ValueId> outputs) {
    for (const NodeId id : graph_.nodes())
      if (needed_.contains(id)) copy(graph_.node(id));
    for (const ValueId output : outputs) edit_.add_output(copies_.at(output));
    return edit_.apply();
  }

 private:
  ValueId copy_of(ValueId id) const { return id == ValueId::none ? id : copies_.at(id); }

  void copy(const Node& node) {
    NodeSpec spec{.op_type = node.op_type,
                  .attributes = node.attributes,
                  .output_count = static_cast<int>(node.outputs.size()),
                  .domain = node.domain,
                  .name = node.name};
    for (const ValueId input : node.inputs) spec.inputs.push_back(copy_of(input));
    for (const Capture& capture : node.captures)
      spec.captures.push_back({capture.name, copy_of(capture.value)});
    for (const ValueId output : node.outputs)
      spec.output_names.push_back(output == ValueId::none ? "" : graph_.name_of(output));
    const std::vector<ValueId> results = edit_.add_node(std::move(spec));
    for (std::size_t i = 0; i < results.size(); ++i) {
      const ValueId output = node.outputs[i];
      if (output == ValueId::none) continue;
      // An output that is given from outside keeps the given value.
      if (const auto found = copies_.find(output); found != copies_.end() && found->second != ValueId::none)
        continue;
      copies_[output] = results[i];
      edit_.set_type(results[i], graph_.type_of(output), false);
    }
  }

  const Graph& graph_;
  Edit edit_;
  std::map<ValueId, ValueId> copies_;
  std::set<NodeId> needed_;
};

}  // namespace

Graph extract(const Graph& graph, std::span<const ValueId> inputs, std::span<const ValueId> outputs) {
  Extraction extraction(graph);
  for (const ValueId input : inputs) extraction.add_input(input);
  for (const ValueId output : outputs) extraction.need(output);
  return extraction.finish(outputs);
}

}  // namespace edgeopt
