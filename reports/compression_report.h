// What pruning did to channels, what repair regained and how learning went, as tables and as JSON.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "recipes/optimize.h"
#include "reports/tables.h"

namespace edgeopt {

/// Groups of channels that go together: how many there were and are, and what those that went did.
Table pruned_group_table(const std::vector<PrunedGroup>& groups);
/// Layers that pruning left alone, wholly or partly, and why.
Table unpruned_table(const std::vector<KeptLayer>& layers);
/// The ways of pruning that were tried to meet goals.
Table share_table(const std::vector<ShareTrial>& trials);
nlohmann::ordered_json pruning_to_json(const PruningFacts& facts);

/// What closed-form repair regained: original, result before repair, result.
Table repair_table(const Judgement& before, const Judgement& after);
nlohmann::ordered_json judgement_to_json(const Judgement& judgement);

/// Steps and losses, at most about `row_count` of them, evenly spread, the first and last among them.
Table learning_table(const LearningFacts& facts, std::size_t row_count);
nlohmann::ordered_json learning_to_json(const std::vector<LearningFacts>& facts);

}  // namespace edgeopt
