// What pruning did to channels and how learning went, as tables and as JSON.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "recipes/optimize.h"
#include "reports/tables.h"

namespace edgeopt {

/// Groups of channels that go together: how many there were and are, and what those that went did.
Table pruned_group_table(const PruningFacts& facts);
/// Layers that pruning left alone, wholly or partly, and why.
Table unpruned_table(const PruningFacts& facts);
nlohmann::ordered_json pruning_to_json(const PruningFacts& facts);

/// Steps and losses, at most about `row_count` of them, evenly spread, the first and last among them.
Table learning_table(const LearningFacts& facts, std::size_t row_count);
nlohmann::ordered_json learning_to_json(const std::vector<LearningFacts>& facts);

}  // namespace edgeopt
