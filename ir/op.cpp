#include "ir/op.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "support/error.h"

namespace edgeopt {

const OpDefinition* find_op(std::string_view domain, std::string_view name) {
  using Key = std::pair<std::string_view, std::string_view>;
  static const std::map<Key, const OpDefinition*> by_name = [] {
    std::map<Key, const OpDefinition*> index;
    for (const OpDefinition& op : all_ops()) index[{op.domain, op.name}] = &op;
    return index;
  }();
  const auto found = by_name.find({domain, name});
  return found == by_name.end() ? nullptr : found->second;
}

Movement movement_of(const Node& node) {
  const OpDefinition* op = find_op(node);
  return op ? op->movement : Movement::none;
}

void require_inputs(const OpDefinition& op, const Node& node) {
  for (int i = 0; i < op.required_inputs; ++i)
    if (!node.has_input(static_cast<std::size_t>(i)))
      throw UserError(fmt::format("input {} is missing; {} needs {}", i, op.name, op.required_inputs));
}

}  // namespace edgeopt
