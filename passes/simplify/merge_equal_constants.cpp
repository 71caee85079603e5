// Two constants with the same type, dims and bytes -> one.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "passes/framework/rewrite.h"
#include "support/hash.h"

namespace edgeopt {
namespace {

using Kind = std::pair<DataType, Dims>;

bool can_merge(const Graph& graph, const Value& value) {
  return value.constant && !value.is_input && !graph.is_output(value.id) &&
         value.constant_unknown_fields.empty() && value.constant->dtype() != DataType::string;
}

Sweep merge_equal_constants(const Graph& graph) {
  std::map<Kind, std::vector<ValueId>> groups;
  for (const ValueId id : graph.values())
    if (const Value& value = graph.value(id); can_merge(graph, value))
      groups[{value.constant->dtype(), value.constant->dims()}].push_back(id);

  Sweep sweep;
  for (const auto& [kind, ids] : groups) {
    if (ids.size() < 2) continue;
    std::unordered_map<std::uint64_t, std::vector<ValueId>> kept;  // by hash; looked up, never iterated
    for (const ValueId id : ids) {
      const Tensor& tensor = *graph.value(id).constant;
      std::vector<ValueId>& same_hash = kept[hash64(tensor.bytes())];
      const auto first = std::ranges::find_if(
          same_hash, [&](ValueId other) { return *graph.value(other).constant == tensor; });
      if (first == same_hash.end()) {
        same_hash.push_back(id);
        continue;
      }
      if (!sweep.edit) sweep.edit.emplace(graph);
      sweep.edit->replace(id, *first);
      ++sweep.rewrite_count;
    }
  }
  return sweep;
}

}  // namespace

Pass merge_equal_constants_pass() {
  return sweep_pass("merge_equal_constants",
                    {.summary = "Keep one of several equal constants.", .sweep = merge_equal_constants});
}

}  // namespace edgeopt
