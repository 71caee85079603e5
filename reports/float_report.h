// Which layers a goal of latency left in float, as a table and as JSON.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "recipes/latency_goal.h"
#include "reports/tables.h"

namespace edgeopt {

/// Layers that are faster in float, with their time in both forms.
Table float_table(const FloatChoice& choice);
/// What came of it, and the options that give the same model again.
std::string float_explanation(const FloatChoice& choice);
nlohmann::ordered_json floats_to_json(const FloatChoice& choice);

}  // namespace edgeopt
