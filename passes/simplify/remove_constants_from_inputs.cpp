// Old exporters list every constant among the graph's inputs, where a caller might override it. It is taken
// from there, so that weights are constants again.
#include <algorithm>

#include "passes/framework/rewrite.h"

namespace edgeopt {
namespace {

// The first IR version in which a constant need not be an input (ONNX release notes, IR version 4).
constexpr std::int64_t first_ir_version_with_free_constants = 4;

// A file that lists some of its constants means them to be overridden; one that lists all of them is from an
// exporter that could not do otherwise.
bool lists_all_constants(const Graph& graph) {
  return std::ranges::all_of(
      graph.values(), [&](ValueId id) { return !graph.value(id).constant || graph.value(id).is_input; });
}

Sweep remove_constants_from_inputs(const Graph& graph) {
  Sweep sweep;
  std::vector<ValueId> listed;
  for (const ValueId id : graph.inputs())
    if (graph.value(id).constant) listed.push_back(id);
  if (listed.empty()) return sweep;
  const bool is_old = graph.header().ir_version < first_ir_version_with_free_constants;
  if (!is_old && !lists_all_constants(graph)) {
    count_decline(sweep.declined, "some inputs have default values that callers may override",
                  static_cast<int>(listed.size()));
    return sweep;
  }
  sweep.edit.emplace(graph);
  for (const ValueId id : listed) sweep.edit->remove_input(id);
  if (is_old) {
    ModelHeader header = graph.header();
    header.ir_version = first_ir_version_with_free_constants;
    sweep.edit->set_header(std::move(header));
  }
  sweep.rewrite_count = static_cast<int>(listed.size());
  return sweep;
}

}  // namespace

Pass remove_constants_from_inputs_pass() {
  return sweep_pass(
      "remove_constants_from_inputs",
      {.summary = "Take constants from the graph's inputs where an old exporter listed all of them.",
       .sweep = remove_constants_from_inputs});
}

}  // namespace edgeopt
