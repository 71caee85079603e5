#include "ir/op.h"

#include <map>
#include <utility>

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

}  // namespace edgeopt
