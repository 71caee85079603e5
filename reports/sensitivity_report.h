// The damage of layers as a table and as JSON.
#pragma once
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "recipes/sensitivity.h"
#include "reports/tables.h"

namespace edgeopt {

/// The most harmful layers, at most `row_count`, each with its share of the sum of all damages.
Table sensitivity_table(const Sensitivity& sensitivity, std::size_t row_count);

/// What a damage is, and on what it was measured.
std::string sensitivity_explanation(const Sensitivity& sensitivity);

/// All layers, the most harmful first; infinite figures are null.
nlohmann::ordered_json sensitivity_to_json(const Sensitivity& sensitivity);

}  // namespace edgeopt
