// What `edgeopt prune` prints.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "recipes/prune.h"
#include "tools/command.h"
#include "tools/describe.h"

namespace edgeopt {

/// Original, result before repair, result.
std::string judgement_table(const Judgement& before, const Judgement& after);
nlohmann::ordered_json judgement_json(const Judgement& judgement);

Answer describe_prune(const PrunedModel& pruned, const ModelFiles& files);

}  // namespace edgeopt
