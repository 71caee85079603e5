#include "ir/attributes.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/graph.h"
#include "support/error.h"

namespace edgeopt {
namespace {

bool same_subgraph(const GraphPtr& a, const GraphPtr& b) { return a == b || (a && b && *a == *b); }

}  // namespace

bool Attribute::operator==(const Attribute& other) const {
  if (unknown_fields != other.unknown_fields || data.index() != other.data.index()) return false;
  if (const auto* graph = std::get_if<GraphPtr>(&data))
    return same_subgraph(*graph, std::get<GraphPtr>(other.data));
  if (const auto* graphs = std::get_if<std::vector<GraphPtr>>(&data))
    return std::ranges::equal(*graphs, std::get<std::vector<GraphPtr>>(other.data), same_subgraph);
  return data == other.data;
}

const Attribute* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : entries_)
    if (key == name) return &value;
  return nullptr;
}

void Attributes::set(std::string name, Attribute value) {
  for (auto& [key, old] : entries_)
    if (key == name) {
      old = std::move(value);
      return;
    }
  entries_.emplace_back(std::move(name), std::move(value));
}

void Attributes::remove(std::string_view name) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; });
}

std::int64_t Attributes::get_int(std::string_view name, std::int64_t otherwise) const {
  const auto* value = get<std::int64_t>(name);
  return value ? *value : otherwise;
}

float Attributes::get_float(std::string_view name, float otherwise) const {
  const auto* value = get<float>(name);
  return value ? *value : otherwise;
}

std::string Attributes::get_string(std::string_view name, std::string_view otherwise) const {
  const auto* value = get<std::string>(name);
  return value ? *value : std::string(otherwise);
}

std::vector<std::int64_t> Attributes::get_ints(std::string_view name,
                                               std::vector<std::int64_t> otherwise) const {
  const auto* value = get<std::vector<std::int64_t>>(name);
  return value ? *value : std::move(otherwise);
}

std::vector<float> Attributes::get_floats(std::string_view name, std::vector<float> otherwise) const {
  const auto* value = get<std::vector<float>>(name);
  return value ? *value : std::move(otherwise);
}

bool Attributes::operator==(const Attributes& other) const {
  return entries_.size() == other.entries_.size() && std::ranges::all_of(entries_, [&](const auto& entry) {
           const Attribute* match = other.find(entry.first);
           return match && *match == entry.second;
         });
}

void Attributes::reject_kind(std::string_view name) const {
  throw UserError(fmt::format("attribute '{}' is of another kind than the operator defines", name));
}

}  // namespace edgeopt
